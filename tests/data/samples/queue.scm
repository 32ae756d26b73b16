(import (scheme base))

(define limit 10)

;; Adds an item.
(define (push queue item)
  (append queue (list item)))

(define-record-type point (make-point x y) point? (x point-x))

(define-syntax twice
  (syntax-rules () ((_ form) (begin form form))))
