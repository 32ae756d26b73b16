;;; starcoder-client.el --- The connection to starcoder-lsp  -*- lexical-binding: t; -*-

;; Copyright 2026 The starcoder-lsp developers
;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; Starts the server, sends and receives messages, and starts it again after a crash.
;; It speaks JSON-RPC itself: jsonrpc.el hides the id of a request, without which a client
;; cannot cancel it, and has to answer the server's questions at once.

;;; Code:

(require 'cl-lib)
(require 'seq)
(require 'subr-x)
(require 'url-util)

(defgroup starcoder nil
  "Ghost text from a model on your own machine."
  :group 'completion
  :prefix "starcoder-"
  :link '(url-link "https://github.com/starcoder-lsp/starcoder-lsp"))

(defcustom starcoder-command '("starcoder-lsp" "--stdio")
  "The command that runs the server."
  :type '(repeat string))

(defcustom starcoder-initialization-options nil
  "Settings of the server as a plist, such as (:model \"starcoder2-3b\")."
  :type '(plist :key-type symbol :value-type sexp))

(defconst starcoder-client--notifications ["didChangeStatus" "starcoder/suggestionReady"]
  "Notifications outside LSP that this package understands.")

(defvar starcoder-client-waits '(1 2 4 8)
  "Seconds to wait after each crash before the server starts again.")
(defconst starcoder-client--max-crashes 5)
(defconst starcoder-client--crashes-count-for 180 "Seconds.")
(defconst starcoder-client--patience 30 "Seconds until the server has to be ready.")
(defconst starcoder-client--method-not-found -32601)

(defvar starcoder-client-state 'stopped
  "One of `stopped', `starting', `ready' and `failed'.
A failed server starts again only at the user's request.")
(defvar starcoder-client-capabilities nil "The capabilities of the server.")
(defvar starcoder-client-last-message nil "The last message of the server.")

(defvar starcoder-client-ready-hook nil "Runs when the server is ready.")
(defvar starcoder-client-end-hook nil "Runs when the server has ended.")
(defvar starcoder-client-handlers nil
  "An alist of functions for notifications of the server, by method.
Each gets the parameters.")

(defvar starcoder-client--process nil)
(defvar starcoder-client--n-requests 0)
(defvar starcoder-client--callbacks (make-hash-table)
  "What to do with the results of requests, by their ids.")
(defvar starcoder-client--roots nil "The workspace folders that the server knows.")
(defvar starcoder-client--crashes nil "The times of the last crashes.")

;;; Messages

(defun starcoder-client--send (message)
  "Send MESSAGE, a plist, to the server."
  (when (process-live-p starcoder-client--process)
    (let* ((json (json-serialize (append '(:jsonrpc "2.0") message)
                                 :null-object nil :false-object :json-false))
           ;; Emacs 29 returns characters, Emacs 30 bytes.
           (body (if (multibyte-string-p json) (encode-coding-string json 'utf-8 t) json)))
      ;; The server may have ended since; the sentinel tells the user.
      (ignore-errors
        (process-send-string starcoder-client--process
                             (concat (format "Content-Length: %d\r\n\r\n" (length body))
                                     body))))))

(defun starcoder-client-notify (method params)
  "Send a notification of METHOD with PARAMS if the server is ready."
  (when (eq starcoder-client-state 'ready)
    (starcoder-client--send (list :method method :params params))))

(defun starcoder-client--write-request (method params callback)
  "Send a request of METHOD with PARAMS and return its id.
CALLBACK gets the result and the error."
  (let ((id (cl-incf starcoder-client--n-requests)))
    (puthash id callback starcoder-client--callbacks)
    (starcoder-client--send (list :id id :method method :params params))
    id))

(defun starcoder-client-request (method params callback)
  "Send a request of METHOD with PARAMS and return its id, nil without a server.
CALLBACK gets the result, or nil for an error."
  (when (eq starcoder-client-state 'ready)
    (starcoder-client--write-request
     method params (lambda (result _error) (funcall callback result)))))

(defun starcoder-client-cancel (id)
  "Cancel the request ID."
  (starcoder-client-notify "$/cancelRequest" (list :id id)))

(defun starcoder-client--reply (id result)
  "Answer the server's request ID with RESULT."
  (starcoder-client--send (list :id id :result result)))

(defun starcoder-client--receive (message)
  "Handle MESSAGE of the server."
  (let ((method (plist-get message :method))
        (params (plist-get message :params))
        (id (plist-get message :id)))
    (cond
     ((and method id) (starcoder-client--answer method params id))
     (method (when-let* ((handler (alist-get method starcoder-client-handlers
                                             nil nil #'equal)))
               (funcall handler params)))
     (id (when-let* ((callback (gethash id starcoder-client--callbacks)))
           (remhash id starcoder-client--callbacks)
           (funcall callback (plist-get message :result) (plist-get message :error)))))))

(defun starcoder-client--answer (method params id)
  "Answer the server's request ID of METHOD with PARAMS."
  (pcase method
    ("window/showMessageRequest" (starcoder-client--ask params id))
    ((or "client/registerCapability" "window/workDoneProgress/create")
     (starcoder-client--reply id nil))
    (_ (starcoder-client--send
        (list :id id :error (list :code starcoder-client--method-not-found
                                  :message method))))))

(defun starcoder-client--ask (params id)
  "Ask the user the question in PARAMS and answer the request ID.
Wait until the user rests: the minibuffer would take what they type for an
answer."
  (run-with-idle-timer
   1 nil
   (lambda ()
     (if (active-minibuffer-window)
         (starcoder-client--ask params id)
       (let* ((titles (seq-map (lambda (action) (plist-get action :title))
                               (plist-get params :actions)))
              (answer (and titles
                           (with-local-quit
                             (completing-read
                              (concat (plist-get params :message) " ") titles nil t)))))
         (starcoder-client--reply id (and (member answer titles)
                                          (list :title answer))))))))

(defun starcoder-client--read ()
  "Remove the next message from the current buffer and return it.
Return nil if it is not complete yet."
  (goto-char (point-min))
  (when-let* ((body (search-forward "\r\n\r\n" nil t))
              ((re-search-backward "^Content-Length: *\\([0-9]+\\)" nil t))
              (end (+ body (string-to-number (match-string 1))))
              ((<= end (point-max))))
    (prog1 (json-parse-string
            (decode-coding-string (buffer-substring body end) 'utf-8)
            :object-type 'plist :null-object nil :false-object :json-false)
      (delete-region (point-min) end))))

(defun starcoder-client--filter (process output)
  "Handle the messages that OUTPUT of PROCESS completes."
  (when (buffer-live-p (process-buffer process))
    (let (message)
      (with-current-buffer (process-buffer process)
        (goto-char (point-max))
        (insert output))
      (while (setq message (and (buffer-live-p (process-buffer process))
                                (with-current-buffer (process-buffer process)
                                  (starcoder-client--read))))
        (starcoder-client--receive message)))))

;;; Start and end

(defun starcoder-client-tell (format &rest arguments)
  "Show a message of FORMAT and ARGUMENTS on one line, and remember it."
  (setq starcoder-client-last-message (apply #'format-message format arguments))
  (message "%s" (truncate-string-to-width
                 (replace-regexp-in-string "[ \t\n\r]+" " " starcoder-client-last-message)
                 (max 20 (1- (frame-width))) nil nil "…")))

(defun starcoder-client--fail (format &rest arguments)
  "Give up until the user asks for a restart; tell them FORMAT with ARGUMENTS."
  (setq starcoder-client-state 'failed)
  (apply #'starcoder-client-tell (concat "starcoder: " format) arguments)
  (run-hooks 'starcoder-client-end-hook))

(defun starcoder-client--last-line (process)
  "Return the last line that PROCESS wrote to its error output, after a colon."
  (let ((buffer (process-get process 'errors)))
    (if (not (buffer-live-p buffer))
        ""
      (prog1 (with-current-buffer buffer
               (let ((line (car (last (split-string (buffer-string) "\n" t)))))
                 (if line (concat ": " line) "")))
        (kill-buffer buffer)))))

(defun starcoder-client--sentinel (process _event)
  "Handle the end of PROCESS."
  (unless (process-live-p process)
    (when (buffer-live-p (process-buffer process))
      (kill-buffer (process-buffer process)))
    (let ((was starcoder-client-state)
          (last-line (starcoder-client--last-line process)))
      (when (eq process starcoder-client--process)
        (setq starcoder-client--process nil)
        (clrhash starcoder-client--callbacks)
        (pcase was
          ('starting
           (starcoder-client--fail "the server ended at start with status %d%s"
                                   (process-exit-status process) last-line))
          ('ready
           (setq starcoder-client-state 'stopped)
           (run-hooks 'starcoder-client-end-hook)
           (starcoder-client--start-again (process-exit-status process) last-line)))))))

(defun starcoder-client--start-again (status last-line)
  "Start the server that ended with STATUS again, after a while.
LAST-LINE is what it wrote last."
  (let ((now (float-time)))
    (setq starcoder-client--crashes
          (cons now (seq-filter
                     (lambda (time) (< (- now time) starcoder-client--crashes-count-for))
                     starcoder-client--crashes))))
  (let ((n (length starcoder-client--crashes)))
    (if (>= n starcoder-client--max-crashes)
        (starcoder-client--fail
         "the server ended %d times%s; M-x starcoder-restart starts it again" n last-line)
      (starcoder-client-tell
       "starcoder: the server ended with status %d; it starts again" status)
      (run-with-timer (nth (1- n) starcoder-client-waits) nil
                      (lambda ()
                        (when (eq starcoder-client-state 'stopped)
                          (starcoder-client-start (car starcoder-client--roots))))))))

(defconst starcoder-client--path-characters
  (let ((allowed (copy-sequence url-path-allowed-chars)))
    (aset allowed ?% nil)
    allowed)
  "The characters of paths that stand for themselves in URIs.")

(defun starcoder-client-uri (path)
  "Return the URI of the file at PATH."
  (let ((local (file-local-name (expand-file-name path)))
        (host (file-remote-p path 'host)))
    (concat (if host (concat "ssh://" host) "file://")
            ;; A drive of Windows.
            (unless (string-prefix-p "/" local) "/")
            (url-hexify-string local starcoder-client--path-characters))))

(defun starcoder-client--folder (root)
  "Return the workspace folder at ROOT."
  (list :uri (starcoder-client-uri (directory-file-name root))
        :name (file-name-nondirectory (directory-file-name root))))

(defun starcoder-client-options ()
  "Return the initialization options for the server."
  (append (list :notifications starcoder-client--notifications)
          starcoder-initialization-options))

(defun starcoder-client--initialize-params ()
  "Return the parameters of the request `initialize'."
  (let ((folders (mapcar #'starcoder-client--folder starcoder-client--roots)))
    (list :processId (emacs-pid)
          :clientInfo (list :name "starcoder.el" :version emacs-version)
          :rootUri (plist-get (car folders) :uri)
          :workspaceFolders (and folders (vconcat folders))
          :initializationOptions (starcoder-client-options)
          :capabilities
          '( :general (:positionEncodings ["utf-32" "utf-16" "utf-8"])
             :textDocument ( :synchronization (:didSave t)
                             :inlineCompletion (:dynamicRegistration :json-false))
             :window (:showMessage (:messageActionItem
                                    (:additionalPropertiesSupport :json-false)))
             :workspace (:workspaceFolders t :configuration :json-false)))))

(defun starcoder-client--initialized (result error)
  "Handle the server's answer to `initialize': RESULT or ERROR."
  (setq starcoder-client-capabilities (plist-get result :capabilities))
  (let ((info (plist-get result :serverInfo))
        (capabilities starcoder-client-capabilities))
    (cond
     (error
      (starcoder-client--fail "the server refuses to start: %s" (plist-get error :message)))
     ;; An empty object is nil as a plist.
     ((or (not (plist-member capabilities :inlineCompletionProvider))
          (eq (plist-get capabilities :inlineCompletionProvider) :json-false))
      (starcoder-client--fail
       "%s %s offers no inline completion: it is too old, or another program"
       (or (plist-get info :name) "the server") (or (plist-get info :version) "")))
     (t
      (setq starcoder-client-state 'ready)
      (starcoder-client-notify "initialized" (make-hash-table))
      (run-hooks 'starcoder-client-ready-hook)))
    (when (eq starcoder-client-state 'failed)
      (starcoder-client--kill))))

(defun starcoder-client--kill ()
  "End the process of the server."
  (when (process-live-p starcoder-client--process)
    (delete-process starcoder-client--process)))

(defun starcoder-client--make-process (program)
  "Start PROGRAM with the arguments in `starcoder-command'; return its process."
  (let* ((errors (generate-new-buffer " *starcoder errors*"))
         (process (make-process
                   :name "starcoder-lsp"
                   :buffer (generate-new-buffer " *starcoder-lsp*")
                   :command (cons program (cdr starcoder-command))
                   :connection-type 'pipe
                   :coding 'binary
                   :noquery t
                   :filter #'starcoder-client--filter
                   :sentinel #'starcoder-client--sentinel
                   :stderr errors)))
    (with-current-buffer (process-buffer process)
      (set-buffer-multibyte nil)
      (buffer-disable-undo))
    (process-put process 'errors errors)
    ;; The pipe of the error output is a process of its own, which would ask the user when
    ;; Emacs ends and write into the buffer that it has ended.
    (when-let* ((pipe (get-buffer-process errors)))
      (set-process-query-on-exit-flag pipe nil)
      (set-process-sentinel pipe #'ignore))
    process))

(defun starcoder-client-start (root)
  "Start the server if it is stopped.
ROOT is the first workspace folder, or nil."
  (when (eq starcoder-client-state 'stopped)
    (setq starcoder-client--roots (and root (list root)))
    (let* ((default-directory (expand-file-name "~/"))
           (name (starcoder-client--expanded (car starcoder-command)))
           (program (executable-find name)))
      (if (not program)
          (starcoder-client--fail
           "cannot run %s: install starcoder-lsp, or set `starcoder-command'" name)
        (setq starcoder-client-state 'starting
              starcoder-client--process (starcoder-client--make-process program))
        (starcoder-client--write-request "initialize" (starcoder-client--initialize-params)
                                         #'starcoder-client--initialized)
        (run-with-timer starcoder-client--patience nil
                        #'starcoder-client--give-up-waiting
                        starcoder-client--process)))))

(defun starcoder-client--expanded (name)
  "Return NAME, with `~' expanded if it is a path."
  (if (string-match-p "/" name) (expand-file-name name) name))

(defun starcoder-client--give-up-waiting (process)
  "Fail if PROCESS is still starting."
  (when (and (eq process starcoder-client--process)
             (eq starcoder-client-state 'starting))
    (starcoder-client--fail "the server does not answer")
    (starcoder-client--kill)))

(defun starcoder-client-add-root (root)
  "Tell the server of the workspace folder ROOT."
  (unless (or (null root) (member root starcoder-client--roots))
    (setq starcoder-client--roots (append starcoder-client--roots (list root)))
    (starcoder-client-notify
     "workspace/didChangeWorkspaceFolders"
     (list :event (list :added (vector (starcoder-client--folder root)) :removed [])))))

(defun starcoder-client-forgive ()
  "Let `starcoder-client-start' start a server that has failed."
  (setq starcoder-client--crashes nil)
  (when (eq starcoder-client-state 'failed)
    (setq starcoder-client-state 'stopped)))

(defun starcoder-client-stop ()
  "End the server when Emacs ends."
  (when (eq starcoder-client-state 'ready)
    (starcoder-client--write-request "shutdown" nil #'ignore)
    (starcoder-client-notify "exit" nil))
  (setq starcoder-client-state 'stopped))

(add-hook 'kill-emacs-hook #'starcoder-client-stop)

(provide 'starcoder-client)
;;; starcoder-client.el ends here
