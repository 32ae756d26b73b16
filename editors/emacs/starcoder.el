;;; starcoder.el --- Ghost text from a model on your own machine  -*- lexical-binding: t; -*-

;; Copyright 2026 The starcoder-lsp developers
;; SPDX-License-Identifier: Apache-2.0

;; Author: The starcoder-lsp developers
;; URL: https://github.com/starcoder-lsp/starcoder-lsp
;; Version: 0.2.0
;; Package-Requires: ((emacs "29.1"))
;; Keywords: completion, convenience, languages, tools

;;; Commentary:

;; starcoder-lsp is a language server that completes code as you type.  This package shows
;; its suggestions as ghost text and inserts them:
;;
;;     (global-starcoder-mode 1)
;;
;; It runs the server itself, beside Eglot, lsp-mode or neither.  If Eglot already runs
;; starcoder-lsp in a buffer, it uses that server.  `starcoder-lsp-setup' registers the
;; server for lsp-mode, whose own `lsp-inline-completion-mode' draws ghost text.

;;; Code:

(require 'starcoder-client)
(require 'starcoder-documents)
(require 'starcoder-inline)

(defcustom starcoder-auto t
  "Whether to request suggestions while you type.
If nil, only `starcoder-trigger' and `starcoder-more' request them."
  :type 'boolean
  :group 'starcoder)

(defconst starcoder--rest 0.2 "Seconds until the server is told where point rests.")

(defconst starcoder--quiet-commands
  '(undo undo-only undo-redo undo-tree-undo undo-tree-redo starcoder-dismiss revert-buffer)
  "Commands that change text without wishing for a suggestion.")

(defvar starcoder--status '(:busy t :message "starting" :kind "Normal")
  "The server's status (`didChangeStatus').")

(defvar starcoder-status-hook nil "Runs when the status changes.")

(defvar-local starcoder--tick nil "The tick of the text that was handled last.")
(defvar-local starcoder--point nil "The place of point after the last command.")

(defvar starcoder--rest-timer nil)

;; They are defined below.
(defvar starcoder-mode)
(defvar defining-kbd-macro)

(defun starcoder--why-not ()
  "Return why there are no suggestions in the current buffer, nil if there are."
  (cond
   ((not (bound-and-true-p starcoder-mode)) "`starcoder-mode' is off")
   ((starcoder-documents-why-not))
   (buffer-read-only "the buffer is read-only")
   ((or defining-kbd-macro executing-kbd-macro) "a keyboard macro runs")
   ;; It repeats commands at other places; what the user accepts belongs to one.
   ((bound-and-true-p multiple-cursors-mode) "there are several cursors")
   ((and (bound-and-true-p evil-local-mode)
         (not (memq (bound-and-true-p evil-state) '(insert emacs replace))))
    "Evil is not in insert state")))

;;; Events

(defun starcoder--post-command ()
  "Show, request or hide ghost text after a command."
  (let* ((tick (buffer-chars-modified-tick))
         (is-changed (not (equal tick starcoder--tick))))
    (cond
     ((starcoder--why-not) (starcoder-inline-clear))
     ((starcoder-inline-show))
     ;; A request may be in progress.
     ((not (or is-changed (/= (point) (or starcoder--point -1)))))
     ((or (not is-changed) (memq this-command starcoder--quiet-commands))
      (starcoder-inline-clear))
     (starcoder-auto (starcoder-inline-request-automatically)))
    (setq starcoder--tick tick
          starcoder--point (point)))
  (starcoder--tell-when-point-rests))

(defun starcoder--tell-when-point-rests ()
  "Tell the server where point is, once it rests there."
  (when (timerp starcoder--rest-timer)
    (cancel-timer starcoder--rest-timer))
  (setq starcoder--rest-timer
        (run-with-idle-timer starcoder--rest nil #'starcoder--tell-where-point-is)))

(defun starcoder--tell-where-point-is ()
  "Tell the server where point is in the selected window."
  (with-current-buffer (window-buffer (selected-window))
    (when (and (bound-and-true-p starcoder-mode)
               (not (starcoder--why-not))
               (not (starcoder-inline-eglot-p))
               (starcoder-documents-open))
      (starcoder-documents-flush)
      (when (starcoder-inline--capability :cursor)
        (starcoder-client-notify "starcoder/cursorMoved"
                                 (starcoder-documents-position-params))))))

(defun starcoder--window-changed (_frame)
  "Hide ghost text in buffers that are no longer in the selected window."
  (dolist (buffer (buffer-list))
    (when (and (buffer-local-value 'starcoder-inline-active buffer)
               (not (eq buffer (window-buffer (selected-window)))))
      (with-current-buffer buffer
        (starcoder-inline-clear)))))

(defun starcoder--ask-again ()
  "Request a suggestion for the selected window."
  (with-current-buffer (window-buffer (selected-window))
    (when (and (not (starcoder--why-not)) starcoder-auto)
      (starcoder-inline-request-automatically))))

(defun starcoder--server-ready ()
  "Open the visible documents on a server that has just started."
  (starcoder--each-buffer
   (lambda ()
     (when (get-buffer-window nil 'visible)
       (starcoder--open))))
  (run-hooks 'starcoder-status-hook))

(defun starcoder--server-ended ()
  "Forget what the server knew."
  (setq starcoder--status '(:busy t :message "starting" :kind "Normal"))
  (starcoder--each-buffer
   (lambda ()
     (starcoder-inline-clear)
     (starcoder-documents-forget)))
  (run-hooks 'starcoder-status-hook))

(defun starcoder--each-buffer (function)
  "Call FUNCTION in each buffer with `starcoder-mode'."
  (dolist (buffer (buffer-list))
    (when (buffer-local-value 'starcoder-mode buffer)
      (with-current-buffer buffer
        (funcall function)))))

(defun starcoder--on-status (params)
  "Keep the status PARAMS of the server."
  (let ((was-busy (eq t (plist-get starcoder--status :busy))))
    (setq starcoder--status params)
    (run-hooks 'starcoder-status-hook)
    (force-mode-line-update t)
    ;; Requests that came while the model was loading got an empty answer.
    (when (and was-busy (not (eq t (plist-get params :busy))))
      (starcoder--ask-again-unless-shown))))

(defun starcoder--ask-again-unless-shown ()
  "Request a suggestion if the last command was typing and nothing is shown."
  (with-current-buffer (window-buffer (selected-window))
    (when (and (bound-and-true-p starcoder-mode)
               (not starcoder-inline-active)
               (memq last-command '(self-insert-command newline org-self-insert-command)))
      (starcoder--ask-again))))

(defun starcoder--on-suggestion-ready (params)
  "Request the suggestion that is ready now if point is at the place in PARAMS."
  (with-current-buffer (window-buffer (selected-window))
    (when (and (bound-and-true-p starcoder-mode)
               (starcoder-inline-at-p params))
      (starcoder--ask-again))))

(defun starcoder--on-message (params)
  "Show the message in PARAMS of the server."
  (starcoder-client-tell "%s" (plist-get params :message)))

(setq starcoder-client-handlers
      '(("didChangeStatus" . starcoder--on-status)
        ("starcoder/suggestionReady" . starcoder--on-suggestion-ready)
        ("window/showMessage" . starcoder--on-message)))
(add-hook 'starcoder-client-ready-hook #'starcoder--server-ready)
(add-hook 'starcoder-client-end-hook #'starcoder--server-ended)

;;; Commands

(defun starcoder-accept ()
  "Insert the whole suggestion."
  (interactive)
  (starcoder-inline-accept 'all))

(defun starcoder-accept-word ()
  "Insert the suggestion up to the end of its next word."
  (interactive)
  (starcoder-inline-accept 'word))

(defun starcoder-accept-line ()
  "Insert the suggestion up to the end of its line."
  (interactive)
  (starcoder-inline-accept 'line))

(defun starcoder-next ()
  "Show the next suggestion; request more if there is only one."
  (interactive)
  (starcoder-inline-select 1))

(defun starcoder-previous ()
  "Show the previous suggestion; request more if there is only one."
  (interactive)
  (starcoder-inline-select -1))

(defun starcoder-dismiss ()
  "Reject the suggestion and hide it until the next change."
  (interactive)
  (starcoder-inline-dismiss))

(defun starcoder--check ()
  "Signal an error if there are no suggestions in the current buffer."
  (when-let* ((why (starcoder--why-not)))
    (user-error "No suggestions: %s" why)))

(defun starcoder-trigger ()
  "Request suggestions now."
  (interactive)
  (starcoder--check)
  (starcoder-inline-request-explicitly))

(defun starcoder-more ()
  "Request a longer suggestion now."
  (interactive)
  (starcoder--check)
  (starcoder-inline-request-more))

(defun starcoder--ask-server (command arguments callback)
  "Run COMMAND with ARGUMENTS on the server; CALLBACK gets the result."
  (unless (or (starcoder-inline-eglot-p) (eq starcoder-client-state 'ready))
    (user-error "The server is %s; see M-x starcoder-status" starcoder-client-state))
  (starcoder-inline-execute command arguments callback))

(defun starcoder--show-page (name text)
  "Show TEXT in a buffer with NAME."
  (with-current-buffer (get-buffer-create (format "*starcoder %s*" name))
    (let ((inhibit-read-only t))
      (erase-buffer)
      (insert (or text ""))
      (goto-char (point-min)))
    (special-mode)
    (display-buffer (current-buffer))))

(defun starcoder-explain ()
  "Show how the last suggestion was made, or why there was none."
  (interactive)
  (starcoder--ask-server "starcoder.explain" []
                         (lambda (text) (starcoder--show-page "explain" text))))

(defun starcoder-statistics ()
  "Show how many suggestions were shown and accepted on this machine."
  (interactive)
  (starcoder--ask-server "starcoder.statistics" []
                         (lambda (text) (starcoder--show-page "statistics" text))))

(defun starcoder-snooze (minutes)
  "Suggest nothing for MINUTES, except on request; 0 ends it."
  (interactive "nMinutes without suggestions: ")
  (starcoder-inline-clear)
  (starcoder--ask-server "starcoder.snooze" (vector minutes) #'ignore))

(defun starcoder-restart ()
  "Load the model again, or start the server again after a failure."
  (interactive)
  (starcoder-client-forgive)
  (if (or (starcoder-inline-eglot-p) (eq starcoder-client-state 'ready))
      (starcoder--ask-server "starcoder.restart" [] #'ignore)
    (starcoder--each-buffer #'starcoder--open)))

(defun starcoder-status-text ()
  "Return the status of the server as a short text."
  (let ((message (or (plist-get starcoder--status :message) ""))
        (kind (plist-get starcoder--status :kind)))
    (cond
     ((eq starcoder-client-state 'failed) "⚠ server not running")
     ((member kind '("Error" "Warning"))
      (concat "⚠ " (if (string-empty-p message) (downcase kind) message)))
     ((not (string-empty-p message)) message)
     ((equal kind "Inactive") "inactive")
     ((eq t (plist-get starcoder--status :busy)) "busy")
     (t "ready"))))

(defun starcoder-status ()
  "Show the status of the server, and why there are no suggestions here."
  (interactive)
  (message "starcoder: %s%s%s"
           (if (eq starcoder-client-state 'stopped)
               "the server is stopped"
             (starcoder-status-text))
           (if-let* ((why (starcoder--why-not)))
               (format "; no suggestions in this buffer: %s" why)
             "")
           (if starcoder-client-last-message
               (format "\nLast message: %s" starcoder-client-last-message)
             "")))

;;; Modes

(defvar-keymap starcoder-active-map
  :doc "Keys that work while ghost text is shown."
  "TAB" #'starcoder-accept
  "<tab>" #'starcoder-accept
  "C-<right>" #'starcoder-accept-word
  "M-f" #'starcoder-accept-word
  "C-e" #'starcoder-accept-line
  "M-n" #'starcoder-next
  "M-p" #'starcoder-previous
  "C-g" #'starcoder-dismiss)

(defvar-keymap starcoder-mode-map
  :doc "Keys that work in `starcoder-mode'."
  "C-c ." #'starcoder-trigger
  "C-c ," #'starcoder-more)

;; Popups have their keys in `emulation-mode-map-alists', which goes first: while a popup is
;; open, they keep TAB.
(add-to-list 'minor-mode-map-alist (cons 'starcoder-inline-active starcoder-active-map))

(defun starcoder--open ()
  "Open the current buffer on the server, unless Eglot does or it is no document."
  (unless (or (starcoder-documents-why-not) (starcoder-inline-eglot-p))
    (starcoder-documents-open)))

(defconst starcoder--hooks
  '((post-command-hook . starcoder--post-command)
    (after-save-hook . starcoder--saved)
    (kill-buffer-hook . starcoder-documents-close)
    (change-major-mode-hook . starcoder--close)
    (after-revert-hook . starcoder--open))
  "The functions of `starcoder-mode' in the hooks of a buffer.")

(defun starcoder--saved ()
  "Tell the server that the current buffer was saved, maybe under another name."
  (starcoder--open)
  (starcoder-documents-saved))

(defun starcoder--close ()
  "Close the document of the current buffer and hide its ghost text."
  (starcoder-inline-clear)
  (starcoder-documents-close))

;;;###autoload
(define-minor-mode starcoder-mode
  "Show suggestions of starcoder-lsp as ghost text.

While ghost text is shown, these keys work:
\\{starcoder-active-map}"
  :lighter (:eval (concat " ★" (if (starcoder--alarming-p) "⚠" "")))
  :keymap starcoder-mode-map
  (if starcoder-mode
      (progn
        (pcase-dolist (`(,hook . ,function) starcoder--hooks)
          (add-hook hook function nil t))
        (add-hook 'window-selection-change-functions #'starcoder--window-changed)
        (add-hook 'window-buffer-change-functions #'starcoder--window-changed)
        (setq starcoder--tick (buffer-chars-modified-tick))
        (starcoder--open))
    (starcoder--close)
    (pcase-dolist (`(,hook . ,function) starcoder--hooks)
      (remove-hook hook function t))))

(defun starcoder--alarming-p ()
  "Return whether the status is an error or a warning."
  (or (eq starcoder-client-state 'failed)
      (member (plist-get starcoder--status :kind) '("Error" "Warning"))))

;;;###autoload
(define-globalized-minor-mode global-starcoder-mode starcoder-mode starcoder--turn-on
  :group 'starcoder
  :predicate t)

(defun starcoder--turn-on ()
  "Switch on `starcoder-mode' unless the buffer is no document."
  (unless (or (starcoder-documents-why-not)
              (bound-and-true-p lsp-inline-completion-mode))
    (starcoder-mode 1)))

(provide 'starcoder)
;;; starcoder.el ends here
