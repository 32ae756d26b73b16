(defpackage :shapes (:use :cl))
(in-package :shapes)

(defparameter *limit* 10)

;; The area of a circle.
(defun area (radius)
  (* pi radius radius))

(defmacro twice (form)
  `(progn ,form ,form))

(defclass circle ()
  ((radius :initarg :radius)))

(defmethod grow ((c circle) by)
  (incf (slot-value c 'radius) by))
