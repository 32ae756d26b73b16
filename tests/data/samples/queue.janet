(import json)

(def limit 10)
(var count 0)

# Adds an item.
(defn push [queue item]
  (array/push queue item))

(defn- helper [x] (* x 2))

(defmacro twice [form]
  ~(do ,form ,form))
