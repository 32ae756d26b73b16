@limit = global i32 10

; Adds two numbers.
define i32 @add(i32 %a, i32 %b) {
entry:
  %sum = add i32 %a, %b
  ret i32 %sum
}

declare i32 @puts(ptr)
