type item = { name : string; price : int }

exception Empty

(* Adds an item. *)
val push : item list -> item -> item list

val size : 'a list -> int

module Sorted : sig
  val limit : int
end
