;;; starcoder-documents.el --- The documents on the server  -*- lexical-binding: t; -*-

;; Copyright 2026 The starcoder-lsp developers
;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; Says which buffers are documents, and sends their changes to the server.

;;; Code:

(require 'cl-lib)
(require 'project)
(require 'starcoder-client)

(defconst starcoder-documents--max-size 10000000
  "Characters of the longest document for which the server suggests something.")

(defconst starcoder-documents--incremental 2)

(defvar starcoder-documents--language-ids
  '((c++ . "cpp") (csharp . "csharp") (js . "javascript") (js2 . "javascript")
    (js-json . "json") (sh . "shellscript") (bash . "shellscript") (tsx . "typescriptreact")
    (js-jsx . "javascriptreact") (emacs-lisp . "elisp") (text . "plaintext")
    (fundamental . "plaintext") (cperl . "perl") (tuareg . "ocaml") (enh-ruby . "ruby")
    (objc . "objective-c") (mhtml . "html") (latex . "latex") (makefile-gmake . "makefile"))
  "Names of languages in LSP, by the name of the major mode without `-mode'.")

(cl-defstruct starcoder-documents--state
  "What the server knows of a buffer.
HEAD and TAIL count the characters at the start and at the end that have not
changed since, SIZE the characters, N-ADDED those added since less those
deleted, N-BREAKS the line breaks, LAST-COLUMN the units of the last line."
  uri language version tick head tail size n-added n-breaks last-column)

(defvar-local starcoder-documents--state nil)

(defun starcoder-documents--binary-p ()
  "Return whether the current buffer has NUL characters or is not text."
  (or (not enable-multibyte-characters)
      (save-excursion
        (save-restriction
          (widen)
          (goto-char (point-min))
          (search-forward "\0" nil t)))))

(defun starcoder-documents-why-not ()
  "Return why the text of the current buffer is not sent, nil if it is."
  (cond
   ((or (minibufferp) (string-prefix-p " " (buffer-name))) "the buffer is internal")
   ((buffer-base-buffer) "the buffer is indirect")
   ((get-buffer-process (current-buffer)) "a process runs in the buffer")
   ((derived-mode-p 'comint-mode 'term-mode 'eshell-mode 'special-mode)
    (format "its mode is `%s'" major-mode))
   ((not (or buffer-file-name (derived-mode-p 'prog-mode)))
    "it has no file and is no program")
   ((> (buffer-size) starcoder-documents--max-size)
    (format "it is larger than %d MB" (/ starcoder-documents--max-size 1000000)))
   ((and (not starcoder-documents--state) (starcoder-documents--binary-p))
    "the file is binary")))

;;; Text and positions

(defun starcoder-documents--text (start end)
  "Return the text from START to END; bytes that are no character are replaced."
  (let ((text (buffer-substring-no-properties start end)))
    (if (string-match-p "[\x3fff80-\x3fffff]" text)
        (replace-regexp-in-string "[\x3fff80-\x3fffff]" "\ufffd" text)
      text)))

(defun starcoder-documents-encoding ()
  "Return the encoding of columns in messages."
  (or (plist-get starcoder-client-capabilities :positionEncoding) "utf-16"))

(defun starcoder-documents-units (text encoding)
  "Return the length of TEXT in the units of ENCODING."
  (pcase encoding
    ("utf-32" (length text))
    ("utf-8" (string-bytes text))
    (_ (+ (length text) (cl-count-if (lambda (char) (> char #xffff)) text)))))

(defun starcoder-documents-characters (text units encoding)
  "Return how many characters of TEXT are at most UNITS of ENCODING."
  (let ((n 0) (rest units))
    (while (and (< n (length text))
                (>= (setq rest (- rest (starcoder-documents-units
                                        (substring text n (1+ n)) encoding)))
                    0))
      (setq n (1+ n)))
    n))

(defun starcoder-documents--position (point)
  "Return the LSP position of POINT."
  (save-excursion
    (save-restriction
      (widen)
      (goto-char point)
      (let ((before (starcoder-documents--text (line-beginning-position) point)))
        (list :line (1- (line-number-at-pos point t))
              :character (starcoder-documents-units
                          before (starcoder-documents-encoding)))))))

(defun starcoder-documents-identifier ()
  "Return the parameter that names the document of the current buffer."
  (list :uri (starcoder-documents--state-uri starcoder-documents--state)))

(defun starcoder-documents-position-params ()
  "Return parameters with the current document and the position of point."
  (list :textDocument (starcoder-documents-identifier)
        :position (starcoder-documents--position (point))))

;;; Opening and closing

(defun starcoder-documents--uri ()
  "Return the URI of the current buffer."
  (if buffer-file-name
      (starcoder-client-uri buffer-file-name)
    (concat "untitled:" (url-hexify-string (buffer-name)))))

(defun starcoder-documents--language ()
  "Return the name of the current buffer's language in LSP."
  (let* ((mode (symbol-name major-mode))
         (name (replace-regexp-in-string "\\(?:-ts\\)?-mode\\'" "" mode)))
    (or (alist-get (intern name) starcoder-documents--language-ids) name)))

(defun starcoder-documents--root ()
  "Return the root of the current buffer's project, nil if it has none."
  (let ((folder default-directory))
    (unless (file-remote-p folder)
      (or (locate-dominating-file folder ".starcoder.toml")
          (when-let* ((project (project-current nil folder)))
            (expand-file-name (project-root project)))))))

(defun starcoder-documents-open ()
  "Open the current buffer on the server; start the server if necessary.
Return whether it is open."
  (pcase starcoder-client-state
    ('stopped (starcoder-client-start (starcoder-documents--root)) nil)
    ('ready
     (unless (and starcoder-documents--state
                  (equal (starcoder-documents--state-uri starcoder-documents--state)
                         (starcoder-documents--uri))
                  (equal (starcoder-documents--state-language starcoder-documents--state)
                         (starcoder-documents--language)))
       (starcoder-documents-close)
       (starcoder-client-add-root (starcoder-documents--root))
       (starcoder-documents--did-open))
     t)))

(defun starcoder-documents--did-open ()
  "Send the text of the current buffer."
  (let ((uri (starcoder-documents--uri))
        (language (starcoder-documents--language)))
    (setq starcoder-documents--state
          (make-starcoder-documents--state :uri uri :language language :version 0))
    (starcoder-documents--remember)
    (add-hook 'after-change-functions #'starcoder-documents--record nil t)
    (starcoder-client-notify
     "textDocument/didOpen"
     (list :textDocument
           (list :uri uri :languageId language :version 0
                 :text (starcoder-documents--whole))))))

(defun starcoder-documents-close ()
  "Close the document of the current buffer, if there is one."
  (when starcoder-documents--state
    (starcoder-client-notify "textDocument/didClose"
                             (list :textDocument (starcoder-documents-identifier)))
    (starcoder-documents-forget)))

(defun starcoder-documents-forget ()
  "Forget the document of the current buffer."
  (setq starcoder-documents--state nil)
  (remove-hook 'after-change-functions #'starcoder-documents--record t))

;;; Changes

(defun starcoder-documents--whole ()
  "Return the text of the current buffer."
  (save-restriction
    (widen)
    (starcoder-documents--text (point-min) (point-max))))

(defun starcoder-documents--remember ()
  "Note that the server knows the present text of the buffer."
  (save-excursion
    (save-restriction
      (widen)
      (goto-char (point-max))
      (let ((state starcoder-documents--state))
        (setf (starcoder-documents--state-tick state) (buffer-chars-modified-tick)
              (starcoder-documents--state-size state) (buffer-size)
              (starcoder-documents--state-head state) (buffer-size)
              (starcoder-documents--state-tail state) (buffer-size)
              (starcoder-documents--state-n-added state) 0
              (starcoder-documents--state-n-breaks state)
              (1- (line-number-at-pos (point-max) t))
              (starcoder-documents--state-last-column state)
              (starcoder-documents-units
               (starcoder-documents--text (line-beginning-position) (point-max))
               (starcoder-documents-encoding)))))))

(defun starcoder-documents--record (start end n-deleted)
  "Note that N-DELETED characters became the text from START to END."
  (when-let* ((state starcoder-documents--state))
    (cl-callf min (starcoder-documents--state-head state) (1- start))
    (cl-callf min (starcoder-documents--state-tail state) (- (buffer-size) (1- end)))
    (cl-incf (starcoder-documents--state-n-added state) (- end start n-deleted))))

(defun starcoder-documents--change ()
  "Return the lines that have changed as one change, or the whole text."
  (save-excursion
    (save-restriction
      (widen)
      (let* ((state starcoder-documents--state)
             (head (starcoder-documents--state-head state))
             (tail (starcoder-documents--state-tail state))
             (old-size (starcoder-documents--state-size state))
             (sync (plist-get starcoder-client-capabilities :textDocumentSync))
             (kind (if (consp sync) (plist-get sync :change) sync)))
        (if (or (not (eql kind starcoder-documents--incremental))
                ;; A change without hooks was not recorded.
                (/= (buffer-size)
                    (+ old-size (starcoder-documents--state-n-added state)))
                (> (+ head tail) (min (buffer-size) old-size)))
            (list :text (starcoder-documents--whole))
          (starcoder-documents--change-of-lines state head tail))))))

(defun starcoder-documents--change-of-lines (state head tail)
  "Return the change of the lines between HEAD and TAIL characters, since STATE."
  (goto-char (1+ head))
  (let* ((start (line-beginning-position))
         (end (progn (goto-char (- (point-max) tail))
                     (if (search-forward "\n" nil t) (point) (point-max))))
         (n-breaks-below (- (line-number-at-pos (point-max) t) (line-number-at-pos end t)))
         (n-breaks (starcoder-documents--state-n-breaks state)))
    (list :range
          (list :start (list :line (1- (line-number-at-pos start t)) :character 0)
                :end (if (< end (point-max))
                         (list :line (- n-breaks n-breaks-below) :character 0)
                       (list :line n-breaks
                             :character
                             (starcoder-documents--state-last-column state))))
          :text (starcoder-documents--text start end))))

(defun starcoder-documents-flush ()
  "Send what has changed in the current buffer since the last call."
  (let ((state starcoder-documents--state))
    (when (and state (/= (starcoder-documents--state-tick state)
                         (buffer-chars-modified-tick)))
      (let ((change (starcoder-documents--change)))
        (starcoder-documents--remember)
        (starcoder-client-notify
         "textDocument/didChange"
         (list :textDocument
               (append (starcoder-documents-identifier)
                       (list :version
                             (cl-incf (starcoder-documents--state-version state))))
               :contentChanges (vector change)))))))

(defun starcoder-documents-saved ()
  "Tell the server that the current buffer was saved."
  (when starcoder-documents--state
    (starcoder-documents-flush)
    (starcoder-client-notify
     "textDocument/didSave"
     (list :textDocument (starcoder-documents-identifier)
           :text (starcoder-documents--whole)))))

(provide 'starcoder-documents)
;;; starcoder-documents.el ends here
