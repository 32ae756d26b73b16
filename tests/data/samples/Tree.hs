{-# LANGUAGE OverloadedStrings #-}
module Data.Tree.Simple (Tree (..), insert) where

import Data.List (sortBy, foldl')
import qualified Data.Map as Map
import Control.Monad hiding (when)

-- | A binary tree.
data Tree a
  = Leaf
  | Node { left :: Tree a, value :: a, right :: Tree a }
  deriving (Show)

newtype Name = Name String

type Forest a = [Tree a]

class Container f where
  empty :: f a
  size :: f a -> Int

instance Container Tree where
  empty = Leaf
  size = length . toList

-- | Puts a value in.
insert :: Ord a => a -> Tree a -> Tree a
insert x Leaf = Node Leaf x Leaf
insert x node
  | x < value node = node
  | otherwise = balance node

limit :: Int
limit = 10
