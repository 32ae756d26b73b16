local json = require("json")
local utils = require "lib.utils"

local Inventory = {}
Inventory.__index = Inventory

LIMIT = 10

-- Makes an inventory.
function Inventory.new(owner)
  return setmetatable({ owner = owner, items = {} }, Inventory)
end

--- Adds an item.
function Inventory:add(item)
  table.insert(self.items, item)
  utils.log(item)
end

local function helper(x)
  return x * 2
end

local twice = function(x) return helper(x) end

Inventory.clear = function(self)
  self.items = {}
end

return Inventory
