#lang racket
(require racket/list)

(define limit 10)

;; Adds an item.
(define (push queue item)
  (append queue (list item)))

(struct point (x y))

(define-syntax-rule (twice form)
  (begin form form))
