module Proof where

open import Data.Nat

data Color : Set where
  red : Color
  green : Color

record Point : Set where
  field
    x : ℕ
    y : ℕ

-- Adds one.
next : ℕ → ℕ
next n = suc n
