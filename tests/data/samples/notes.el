;;; notes.el --- Keeps notes  -*- lexical-binding: t -*-
(require 'seq)

(defvar notes-list nil)
(defconst notes-limit 10)

;; Adds a note.
(defun notes-add (text)
  "Add TEXT to the notes."
  (interactive "sNote: ")
  (push text notes-list))

(defmacro notes-twice (form)
  `(progn ,form ,form))

(provide 'notes)
