;;; starcoder-lsp.el --- Register starcoder-lsp for lsp-mode  -*- lexical-binding: t; -*-

;; Copyright 2026 The starcoder-lsp developers
;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; lsp-mode 10 draws ghost text itself: call `starcoder-lsp-setup' once, and switch on
;; `lsp-inline-completion-mode'.  Then `starcoder-mode' is not needed.

;;; Code:

(require 'starcoder)

(declare-function lsp-register-client "lsp-mode")
(declare-function make-lsp-client "lsp-mode")
(declare-function lsp-stdio-connection "lsp-mode")
(declare-function lsp-inline-completion-display "lsp-inline-completion")

(defun starcoder-lsp--handlers ()
  "Return the handlers of the notifications outside LSP, as a table for lsp-mode."
  (let ((handlers (make-hash-table :test #'equal)))
    (puthash "didChangeStatus"
             (lambda (_workspace params)
               (starcoder--on-status (starcoder-lsp--plist params)))
             handlers)
    (puthash "starcoder/suggestionReady"
             (lambda (_workspace params)
               (starcoder-lsp--on-suggestion-ready (starcoder-lsp--plist params)))
             handlers)
    handlers))

(defun starcoder-lsp--plist (object)
  "Return OBJECT of lsp-mode, a plist or a hash table, as a plist."
  (if (hash-table-p object)
      (let (plist)
        (maphash (lambda (key value)
                   (setq plist (plist-put plist (intern (concat ":" key))
                                          (if (hash-table-p value)
                                              (starcoder-lsp--plist value)
                                            value))))
                 object)
        plist)
    object))

(defun starcoder-lsp--on-suggestion-ready (params)
  "Ask lsp-mode to request the suggestion that is ready at the place in PARAMS."
  (with-current-buffer (window-buffer (selected-window))
    (when (and (bound-and-true-p lsp-inline-completion-mode)
               buffer-file-name
               (equal (plist-get (plist-get params :textDocument) :uri)
                      (starcoder-client-uri buffer-file-name))
               (equal (plist-get (plist-get params :position) :line)
                      (1- (line-number-at-pos nil t))))
      ;; Not inside the handler: the request waits for its answer.
      (run-with-timer 0 nil #'lsp-inline-completion-display t))))

;;;###autoload
(defun starcoder-lsp-setup ()
  "Register starcoder-lsp as an additional server of lsp-mode, for all languages."
  (require 'lsp-mode)
  (lsp-register-client
   (make-lsp-client
    :new-connection (lsp-stdio-connection (lambda () starcoder-command))
    :activation-fn (lambda (&rest _) (not (starcoder-documents-why-not)))
    :server-id 'starcoder
    :add-on? t
    :priority -2
    :multi-root t
    :initialization-options #'starcoder-client-options
    :notification-handlers (starcoder-lsp--handlers))))

(provide 'starcoder-lsp)
;;; starcoder-lsp.el ends here
