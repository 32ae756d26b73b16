(module $shop
  (import "env" "log" (func $log (param i32)))
  (global $limit i32 (i32.const 10))
  ;; Adds two numbers.
  (func $add (export "add") (param $a i32) (param $b i32) (result i32)
    local.get $a
    local.get $b
    i32.add))
