open Printf

type item = { name : string; price : int }

exception Empty

(* Adds an item. *)
let push queue item = item :: queue

let rec size = function
  | [] -> 0
  | _ :: rest -> 1 + size rest

module Sorted = struct
  let limit = 10
end

class counter = object
  method next = 1
end
