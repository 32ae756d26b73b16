;;; starcoder-inline.el --- Ghost text: request, show, accept  -*- lexical-binding: t; -*-

;; Copyright 2026 The starcoder-lsp developers
;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; The life cycle of a suggestion: request, show, type through, accept, drop.

;;; Code:

(require 'cl-lib)
(require 'starcoder-client)
(require 'starcoder-documents)

(defface starcoder-ghost '((t :inherit shadow))
  "Face of ghost text.")

(defface starcoder-replaced '((t :strike-through t))
  "Face of the text after point that a suggestion replaces.")

(defconst starcoder-inline--method "textDocument/inlineCompletion")
(defconst starcoder-inline--more-method "starcoder/more"
  "Like `starcoder-inline--method', but for a longer suggestion.
An extension of starcoder-lsp.")
(defconst starcoder-inline--invoked 1)
(defconst starcoder-inline--automatic 2)

(cl-defstruct starcoder-inline--suggestion
  "An item of an answer with the text that it was made for.
TEXT is the whole text to insert at START; BEFORE is the line up to there,
AFTER the line from point on, REPLACED the start of AFTER that TEXT replaces."
  item text start before after replaced)

(defvar-local starcoder-inline--suggestions nil "The suggestions of the shown answer.")
(defvar-local starcoder-inline--index 0 "The number of the shown suggestion.")
(defvar-local starcoder-inline--n-announced nil
  "The number of the suggestion that was last reported as shown.")
(defvar-local starcoder-inline--overlays nil)
(defvar-local starcoder-inline-active nil
  "Whether ghost text is shown, and the keys of `starcoder-active-map' work.")
(defvar-local starcoder-inline--in-progress nil "The id of the request in progress.")
(defvar-local starcoder-inline--newest 0 "The number of the newest request.")
(defvar-local starcoder-inline--welcome 0
  "The number of the oldest request whose answer is still of use.")

;;; The server that answers: ours, or the one that Eglot runs

(declare-function eglot-current-server "eglot")
(declare-function eglot-server-capable "eglot")
(declare-function eglot--signal-textDocument/didChange "eglot")
(declare-function eglot--TextDocumentPositionParams "eglot")
(declare-function eglot-execute "eglot")
(declare-function jsonrpc-async-request "jsonrpc")
(declare-function jsonrpc-notify "jsonrpc")
(defvar eglot--managed-mode)

(defun starcoder-inline-eglot-p ()
  "Return whether Eglot manages the current buffer with a server for ghost text."
  (and (bound-and-true-p eglot--managed-mode)
       (fboundp 'eglot-server-capable)
       (eglot-server-capable :inlineCompletionProvider)))

(defun starcoder-inline--capability (name)
  "Return whether the server understands the extension NAME, a keyword."
  (let ((capabilities (if (starcoder-inline-eglot-p)
                          (eglot-server-capable :experimental)
                        (plist-get starcoder-client-capabilities :experimental))))
    (eq t (plist-get (plist-get capabilities :starcoder) name))))

(defun starcoder-inline--flush ()
  "Send what has changed in the current buffer to the server."
  (if (starcoder-inline-eglot-p)
      (eglot--signal-textDocument/didChange)
    (starcoder-documents-flush)))

(defun starcoder-inline--notify (method params)
  "Send a notification of METHOD with PARAMS."
  (if (starcoder-inline-eglot-p)
      (jsonrpc-notify (eglot-current-server) (intern (concat ":" method)) params)
    (starcoder-client-notify method params)))

(defun starcoder-inline--send (method context callback)
  "Send a request of METHOD at point with CONTEXT; CALLBACK gets the result.
Return non-nil if it was sent."
  (starcoder-inline--flush)
  (if (not (starcoder-inline-eglot-p))
      (starcoder-client-request
       method (append (starcoder-documents-position-params) context) callback)
    (jsonrpc-async-request
     (eglot-current-server) (intern (concat ":" method))
     (append (eglot--TextDocumentPositionParams) context)
     :success-fn callback :error-fn #'ignore :timeout-fn #'ignore :timeout 60)
    ;; jsonrpc.el keeps the id for itself; the server drops a superseded request anyway.
    'eglot))

(defun starcoder-inline-execute (command arguments &optional callback)
  "Run COMMAND with ARGUMENTS, a vector, on the server; CALLBACK gets the result."
  (let ((params (list :command command :arguments arguments))
        (callback (or callback #'ignore)))
    (if (starcoder-inline-eglot-p)
        (jsonrpc-async-request (eglot-current-server) :workspace/executeCommand params
                               :success-fn callback :error-fn #'ignore)
      (starcoder-client-request "workspace/executeCommand" params callback))))

;;; Requests

(defun starcoder-inline--cancel ()
  "Cancel the request in progress."
  (when (numberp starcoder-inline--in-progress)
    (starcoder-client-cancel starcoder-inline--in-progress))
  (setq starcoder-inline--in-progress nil))

(defun starcoder-inline--request (kind method)
  "Request suggestions at point by METHOD; KIND is the kind of trigger.
Return whether the request was sent."
  (when (or (starcoder-inline-eglot-p) (starcoder-documents-open))
    (starcoder-inline--cancel)
    (let* ((buffer (current-buffer))
           (point (point))
           (line (cons (buffer-substring-no-properties (line-beginning-position) point)
                       (buffer-substring-no-properties point (line-end-position))))
           (number (cl-incf starcoder-inline--newest)))
      (setq starcoder-inline--in-progress
            (starcoder-inline--send
             method (list :context (list :triggerKind kind))
             (lambda (result)
               (when (buffer-live-p buffer)
                 (with-current-buffer buffer
                   (starcoder-inline--on-answer number point line result))))))
      (and starcoder-inline--in-progress t))))

(defun starcoder-inline-request-automatically ()
  "Request a suggestion after a change."
  (starcoder-inline--request starcoder-inline--automatic starcoder-inline--method))

(defun starcoder-inline-request-explicitly ()
  "Request suggestions on behalf of the user."
  (starcoder-inline--request starcoder-inline--invoked starcoder-inline--method))

(defun starcoder-inline-request-more ()
  "Request a longer suggestion than usual."
  (starcoder-inline--request starcoder-inline--invoked
                             (if (starcoder-inline--capability :more)
                                 starcoder-inline--more-method
                               starcoder-inline--method)))

(defun starcoder-inline--on-answer (number point line result)
  "Show what RESULT of request NUMBER suggests at POINT.
LINE holds the parts of the line around point at that time."
  (when (= number starcoder-inline--newest)
    (setq starcoder-inline--in-progress nil))
  (let ((items (if (vectorp result) result (plist-get result :items))))
    (when (and (>= number starcoder-inline--welcome)
               (vectorp items)
               (eq (current-buffer) (window-buffer (selected-window))))
      (setq starcoder-inline--welcome number)
      (if (seq-empty-p items)
          (starcoder-inline-hide)
        (starcoder-inline--receive items point line)))))

(defun starcoder-inline--receive (items point line)
  "Show the first of ITEMS for POINT in LINE that fits.
Prefer one that is not shown yet."
  (let* ((suggestions (delq nil (mapcar (lambda (item)
                                          (starcoder-inline--pin item point line))
                                        items)))
         (shown (starcoder-inline-rest))
         (rests (mapcar #'starcoder-inline--rest suggestions))
         (index (or (cl-position-if (lambda (rest) (and rest (not (equal rest shown)))) rests)
                    (cl-position-if #'identity rests))))
    (when index
      (setq starcoder-inline--suggestions suggestions
            starcoder-inline--index index
            starcoder-inline--n-announced nil)
      (starcoder-inline-show))))

;;; Suggestions

(defun starcoder-inline--column (line character)
  "Return the number of characters in LINE before an LSP CHARACTER offset."
  (starcoder-documents-characters
   line character
   (if (starcoder-inline-eglot-p)
       (or (eglot-server-capable :positionEncoding) "utf-16")
     (starcoder-documents-encoding))))

(defun starcoder-inline--range (item point line)
  "Return the start and end of ITEM in the characters of LINE.
Return nil if it is elsewhere.  POINT is where it was requested."
  (let ((range (plist-get item :range))
        (column (length (car line))))
    (if (not range)
        (cons column column)
      (let ((whole (concat (car line) (cdr line)))
            (start (plist-get range :start))
            (end (plist-get range :end)))
        (when (= (plist-get start :line) (1- (line-number-at-pos point t)))
          (cons (starcoder-inline--column whole (plist-get start :character))
                (starcoder-inline--column whole (plist-get end :character))))))))

(defun starcoder-inline--pin (item point line)
  "Return the suggestion of ITEM for POINT in LINE; nil for a snippet."
  (when-let* ((text (plist-get item :insertText))
              ((stringp text))
              (range (starcoder-inline--range item point line)))
    (let ((column (length (car line)))
          (after (cdr line)))
      (make-starcoder-inline--suggestion
       :item item
       :text (string-replace "\r\n" "\n" text)
       :start (+ (- point column) (car range))
       :before (substring (car line) 0 (min (car range) column))
       :after after
       :replaced (substring after 0 (max 0 (min (length after)
                                                (- (cdr range) column))))))))

(defun starcoder-inline--rest (suggestion)
  "Return the rest of SUGGESTION at point, nil if the text typed since disagrees."
  (let ((text (starcoder-inline--suggestion-text suggestion))
        (start (starcoder-inline--suggestion-start suggestion))
        (before (starcoder-inline--suggestion-before suggestion)))
    (when (and (<= (point-min) start (point))
               (equal (starcoder-inline--suggestion-after suggestion)
                      (buffer-substring-no-properties (point) (line-end-position)))
               (>= (- start (length before)) (point-min))
               (equal before
                      (buffer-substring-no-properties (- start (length before)) start))
               (string-prefix-p (buffer-substring-no-properties start (point)) text))
      (let ((rest (substring text (- (point) start))))
        (unless (equal rest (starcoder-inline--suggestion-replaced suggestion))
          rest)))))

(defun starcoder-inline--current ()
  "Return the suggestion that is shown, nil if there is none."
  (nth starcoder-inline--index starcoder-inline--suggestions))

(defun starcoder-inline-rest ()
  "Return the ghost text, nil if there is none."
  (when-let* ((suggestion (starcoder-inline--current)))
    (starcoder-inline--rest suggestion)))

(defun starcoder-inline--piece (suggestion rest part)
  "Return the piece of REST of SUGGESTION to accept.
PART is `all', `line' or `word'."
  (let ((piece (pcase part
                 ('all rest)
                 ('line (and (string-match "\\`\n?[^\n]*" rest) (match-string 0 rest)))
                 ('word (starcoder-inline--first-word rest)))))
    ;; The remaining text already stands after the cursor.
    (if (equal (substring rest (length piece))
               (starcoder-inline--suggestion-replaced suggestion))
        rest
      piece)))

(defun starcoder-inline--first-word (text)
  "Return TEXT up to the end of its first word or run of other characters."
  (let* ((start (or (string-match "[^[:space:]\n]" text) (length text)))
         (blank (or (string-match "[[:space:]\n]" text start) (length text)))
         (word (string-match "\\(?:\\sw\\|\\s_\\)+" text start)))
    (substring text 0 (cond ((not word) blank)
                            ((= word start) (match-end 0))
                            (t (min word blank))))))

;;; Drawing

(defun starcoder-inline--pieces (replaced new)
  "Return the pieces of NEW around the characters of REPLACED.
They are (OFFSET . TEXT) pairs; nil if NEW does not contain these characters."
  (if (string-suffix-p replaced new)
      (list (cons 0 (substring new 0 (- (length new) (length replaced)))))
    (let ((position 0) (offset 0) pieces)
      (catch 'missing
        (dolist (character (append replaced nil))
          (let ((found (cl-position character new :start position)))
            (unless found
              (throw 'missing nil))
            (push (cons offset (substring new position found)) pieces)
            (setq position (1+ found)
                  offset (1+ offset))))
        (nreverse (cons (cons offset (substring new position)) pieces))))))

(defun starcoder-inline--overlay (start end)
  "Return a new overlay from START to END in the selected window."
  (let ((overlay (make-overlay start end nil t)))
    (overlay-put overlay 'window (selected-window))
    (overlay-put overlay 'priority 1000)
    (push overlay starcoder-inline--overlays)
    overlay))

(defun starcoder-inline--draw (rest replaced)
  "Draw REST at point as ghost text.
REPLACED is the text after point that accepting it deletes."
  (starcoder-inline--erase)
  (let* ((lines (split-string rest "\n"))
         (below (mapconcat (lambda (line) (concat "\n" line)) (cdr lines) ""))
         (pieces (starcoder-inline--pieces replaced (car lines))))
    (unless pieces
      (overlay-put (starcoder-inline--overlay (point) (+ (point) (length replaced)))
                   'face 'starcoder-replaced)
      (setq pieces (list (cons 0 (car lines)))))
    ;; Overlays at one place would be drawn in any order.
    (if (= (caar (last pieces)) (length replaced))
        (cl-callf concat (cdar (last pieces)) below)
      (setq pieces (append pieces (list (cons (length replaced) below)))))
    (dolist (piece pieces)
      (starcoder-inline--draw-piece (car piece) (cdr piece)))))

(defun starcoder-inline--draw-piece (offset text)
  "Draw TEXT at OFFSET characters after point."
  (unless (string-empty-p text)
    (let ((shown (propertize text 'face 'starcoder-ghost))
          (at (+ (point) offset)))
      (when (= offset 0)
        ;; Point is drawn before the ghost text, not after it.
        (put-text-property 0 1 'cursor t shown))
      (overlay-put (starcoder-inline--overlay at at) 'after-string shown))))

(defun starcoder-inline--erase ()
  "Erase ghost text."
  (mapc #'delete-overlay starcoder-inline--overlays)
  (setq starcoder-inline--overlays nil))

(defun starcoder-inline-hide ()
  "Hide and forget the suggestions."
  (starcoder-inline--erase)
  (setq starcoder-inline--suggestions nil
        starcoder-inline-active nil))

(defun starcoder-inline-clear ()
  "Cancel, hide and forget everything."
  (starcoder-inline--cancel)
  (starcoder-inline-hide)
  (setq starcoder-inline--welcome (1+ starcoder-inline--newest)))

(defun starcoder-inline-show ()
  "Show the rest of the current suggestion, or hide it if nothing is left.
Return whether there is something to show."
  (let ((rest (starcoder-inline-rest)))
    (if (not rest)
        (starcoder-inline-hide)
      (let ((suggestion (starcoder-inline--current)))
        (starcoder-inline--draw rest (starcoder-inline--suggestion-replaced suggestion))
        (setq starcoder-inline-active t)
        (starcoder-inline--announce suggestion)))
    (and rest t)))

;;; What the user does

(defun starcoder-inline--report (method params)
  "Notify the server of an event by METHOD with PARAMS, if it understands events."
  (when (starcoder-inline--capability :events)
    (starcoder-inline--notify method params)))

(defun starcoder-inline--announce (suggestion)
  "Report SUGGESTION as shown, once."
  (unless (eql starcoder-inline--n-announced starcoder-inline--index)
    (setq starcoder-inline--n-announced starcoder-inline--index)
    (starcoder-inline--report
     "textDocument/didShowCompletion"
     (list :item (starcoder-inline--suggestion-item suggestion)))))

(defun starcoder-inline-dismiss ()
  "Reject the shown suggestion and hide it."
  (when starcoder-inline-active
    (starcoder-inline--report
     "starcoder/didRejectCompletion"
     (list :item (starcoder-inline--suggestion-item (starcoder-inline--current)))))
  (starcoder-inline-clear))

(defun starcoder-inline-select (step)
  "Show the suggestion STEP further on; request more if there is only one."
  (let ((count (length starcoder-inline--suggestions)))
    (if (< count 2)
        (starcoder-inline-request-explicitly)
      (cl-loop do (setq starcoder-inline--index
                        (mod (+ starcoder-inline--index step) count))
               until (starcoder-inline-rest))
      (starcoder-inline-show))))

(defun starcoder-inline-accept (part)
  "Insert PART of the shown suggestion: `all', `line' or `word'."
  (let ((rest (starcoder-inline-rest))
        (suggestion (starcoder-inline--current)))
    (unless rest
      (starcoder-inline-hide)
      (user-error "There is no suggestion"))
    (barf-if-buffer-read-only)
    (let ((piece (starcoder-inline--piece suggestion rest part)))
      (starcoder-inline--erase)
      ;; The insertion is one step of undo, apart from what is typed before and after it.
      (undo-boundary)
      (if (not (equal piece rest))
          (progn (insert piece)
                 (starcoder-inline--report-partial suggestion rest piece)
                 (starcoder-inline-show))
        (delete-region (point)
                       (+ (point)
                          (length (starcoder-inline--suggestion-replaced suggestion))))
        (insert rest)
        (starcoder-inline--finish suggestion))
      (undo-boundary))))

(defun starcoder-inline--report-partial (suggestion rest piece)
  "Report that PIECE of REST of SUGGESTION was accepted."
  (let* ((text (starcoder-inline--suggestion-text suggestion))
         (accepted (substring text 0 (- (length text) (- (length rest) (length piece))))))
    (starcoder-inline--report
     "textDocument/didPartiallyAcceptCompletion"
     (list :item (starcoder-inline--suggestion-item suggestion)
           :acceptedLength (starcoder-documents-units accepted "utf-16")))))

(defun starcoder-inline--finish (suggestion)
  "Forget SUGGESTION, which was accepted, and run its command on the server."
  (starcoder-inline-clear)
  (when-let* ((command (plist-get (starcoder-inline--suggestion-item suggestion) :command)))
    (starcoder-inline--flush)
    (starcoder-inline-execute (plist-get command :command)
                              (or (plist-get command :arguments) []))))

(defun starcoder-inline-at-p (params)
  "Return whether PARAMS of the server name point in the selected window."
  (and starcoder-documents--state
       (let ((here (starcoder-documents-position-params)))
         (and (equal (plist-get (plist-get params :textDocument) :uri)
                     (plist-get (plist-get here :textDocument) :uri))
              (equal (plist-get params :position) (plist-get here :position))))))

(provide 'starcoder-inline)
;;; starcoder-inline.el ends here
