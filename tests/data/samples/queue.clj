(ns shop.queue
  (:require [clojure.string :as str]))

(def limit 10)

;; Adds an item.
(defn push
  "Adds an item to the queue."
  [queue item]
  (conj queue item))

(defn- helper [x] (* x 2))

(defmacro twice [form]
  `(do ~form ~form))

(defprotocol Source
  (fetch [this id]))

(defrecord Person [name age])
