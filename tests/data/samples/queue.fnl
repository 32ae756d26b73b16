(local json (require :json))

;; Adds an item.
(fn push [queue item]
  (table.insert queue item))

(λ size [queue]
  (length queue))

(global limit 10)
