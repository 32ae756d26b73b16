module Data.Queue where

import Prelude
import Data.Array (snoc)

data Color = Red | Green

newtype Name = Name String

type Queue a = Array a

class Source f where
  fetch :: forall a. f a -> a

-- | Adds an item.
push :: forall a. Queue a -> a -> Queue a
push queue item = snoc queue item
