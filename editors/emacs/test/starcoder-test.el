;;; starcoder-test.el --- Tests of starcoder.el  -*- lexical-binding: t; -*-

;; Copyright 2026 The starcoder-lsp developers
;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; Run in editors/emacs:
;;     emacs -Q --batch -L . -l test/starcoder-test.el -f ert-run-tests-batch-and-exit

;;; Code:

(require 'ert)
(require 'starcoder)
(require 'starcoder-lsp)

(ert-deftest starcoder-test-words ()
  (with-temp-buffer
    (prog-mode)
    (pcase-dolist (`(,text ,word) '(("foo_bar(x)" "foo")
                                    ("(x)" "(")
                                    ("  return 1" "  return")
                                    ("\n    x = 1" "\n    x")
                                    ("== 1" "==")
                                    ("\")\n" "\")")
                                    ("é😀 b" "é😀")
                                    ("   " "   ")))
      (let ((table (make-syntax-table)))
        (modify-syntax-entry ?_ "." table)
        (with-syntax-table table
          (should (equal word (starcoder-inline--first-word text))))))))

(ert-deftest starcoder-test-identifiers-are-one-word ()
  (with-temp-buffer
    (emacs-lisp-mode)
    (should (equal "foo-bar_baz" (starcoder-inline--first-word "foo-bar_baz 1")))))

(ert-deftest starcoder-test-units ()
  (pcase-dolist (`(,encoding ,units) '(("utf-8" 6) ("utf-16" 3) ("utf-32" 2)))
    (should (= units (starcoder-documents-units "é😀" encoding)))
    (should (= 2 (starcoder-documents-characters "é😀b" units encoding)))
    (should (= 1 (starcoder-documents-characters "é😀b" (1- units) encoding)))
    (should (= 3 (starcoder-documents-characters "é😀b" 99 encoding)))))

(ert-deftest starcoder-test-pieces-around-replaced-text ()
  (should (equal '((0 . "a")) (starcoder-inline--pieces ")" "a)")))
  (should (equal '((0 . "x")) (starcoder-inline--pieces "" "x")))
  (should (equal '((0 . "a") (1 . "b") (2 . "c"))
                 (starcoder-inline--pieces "(]" "a(b]c")))
  (should-not (starcoder-inline--pieces ")" "a]")))

(ert-deftest starcoder-test-uris ()
  (should (equal "file:///a/b%20%23%C3%A9%25.py" (starcoder-client-uri "/a/b #é%.py"))))

(ert-deftest starcoder-test-languages ()
  (pcase-dolist (`(,mode ,language) '((python-ts-mode "python") (c++-mode "cpp")
                                      (sh-mode "shellscript") (rust-mode "rust")
                                      (emacs-lisp-mode "elisp") (js-mode "javascript")))
    (let ((major-mode mode))
      (should (equal language (starcoder-documents--language))))))

(defun starcoder-test--apply (text change)
  "Return TEXT after CHANGE, in the units of utf-32."
  (let ((range (plist-get change :range)))
    (if (not range)
        (plist-get change :text)
      (with-temp-buffer
        (insert text)
        (let ((ends (mapcar (lambda (side)
                              (let ((position (plist-get range side)))
                                (goto-char (point-min))
                                (forward-line (plist-get position :line))
                                (+ (point) (plist-get position :character))))
                            '(:start :end))))
          (delete-region (car ends) (cadr ends))
          (goto-char (car ends))
          (insert (plist-get change :text))
          (buffer-string))))))

(ert-deftest starcoder-test-changes-keep-the-text-of-the-server ()
  "Make random changes, several between two messages, and follow them as a server."
  (random "starcoder")
  (let ((starcoder-client-capabilities '(:textDocumentSync 2 :positionEncoding "utf-32")))
    (with-temp-buffer
      (insert "first\nsecond 😀\n\nlast")
      (setq starcoder-documents--state (make-starcoder-documents--state :version 0))
      (starcoder-documents--remember)
      (add-hook 'after-change-functions #'starcoder-documents--record nil t)
      (let ((known (buffer-string)))
        (dotimes (_ 500)
          (dotimes (_ (1+ (random 3)))
            (let ((start (1+ (random (point-max)))))
              (goto-char start)
              (pcase (random 4)
                (0 (insert (nth (random 4) '("x" "\n" "é\ny" "a\n\nb\n"))))
                (1 (delete-region start (min (point-max) (+ start (random 9)))))
                (2 (ignore-errors (upcase-region start (min (point-max) (+ start 3)))))
                (3 (when (< (buffer-size) 20) (insert "more\ntext\n"))))))
          (setq known (starcoder-test--apply known (starcoder-documents--change)))
          (starcoder-documents--remember)
          (should (equal known (buffer-string))))))))

(ert-deftest starcoder-test-a-change-without-hooks-sends-the-whole-text ()
  (let ((starcoder-client-capabilities '(:textDocumentSync (:change 2))))
    (with-temp-buffer
      (insert "one\ntwo\n")
      (setq starcoder-documents--state (make-starcoder-documents--state :version 0))
      (starcoder-documents--remember)
      (insert "three\n")
      (should (equal '(:text "one\ntwo\nthree\n") (starcoder-documents--change))))))

(ert-deftest starcoder-test-messages-arrive-in-pieces ()
  (with-temp-buffer
    (set-buffer-multibyte nil)
    (let ((bytes (encode-coding-string
                  (concat "Content-Length: 15\r\n\r\n{\"id\":\"é😀\"}"
                          "Content-Type: x\r\nContent-Length: 8\r\n\r\n{\"id\":2}")
                  'utf-8))
          messages)
      (dolist (byte (append bytes nil))
        (goto-char (point-max))
        (insert byte)
        (when-let* ((message (starcoder-client--read)))
          (push message messages)))
      (should (equal '((:id 2) (:id "é😀")) messages)))))

(ert-deftest starcoder-test-what-is-not-sent ()
  (with-temp-buffer
    (rename-buffer "*starcoder-test*")
    (should (starcoder-documents-why-not))
    (prog-mode)
    (should-not (starcoder-documents-why-not))
    (insert "a\0b")
    (should (equal "the file is binary" (starcoder-documents-why-not)))
    (erase-buffer)
    (set-buffer-multibyte nil)
    (should (equal "the file is binary" (starcoder-documents-why-not)))))

(ert-deftest starcoder-test-bytes-that-are-no-text-are-replaced ()
  (with-temp-buffer
    (insert "a" (unibyte-char-to-multibyte #xff) "b")
    (should (equal "a\ufffdb" (starcoder-documents--whole)))))

(ert-deftest starcoder-test-plists-of-lsp-mode ()
  (let ((inner (make-hash-table :test #'equal))
        (outer (make-hash-table :test #'equal)))
    (puthash "line" 3 inner)
    (puthash "position" inner outer)
    (should (equal '(:position (:line 3)) (starcoder-lsp--plist outer)))
    (should (equal '(:a 1) (starcoder-lsp--plist '(:a 1))))))

(provide 'starcoder-test)
;;; starcoder-test.el ends here
