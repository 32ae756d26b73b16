--- Completion plugins with a menu of their own: is it open, and does it use a key?
local M = {}

--- Commands of blink.cmp that act on its menu.
local BLINK_MENU = {
  accept = true,
  accept_and_enter = true,
  select_accept_and_enter = true,
  select_and_accept = true,
  select_next = true,
  select_prev = true,
  insert_next = true,
  insert_prev = true,
}

--- The value of a key in a table of mappings, whose names may be spelt in other ways.
local function mapping_of(key, mappings)
  for name, mapping in pairs(mappings or {}) do
    if vim.keycode(name) == vim.keycode(key) then
      return mapping
    end
  end
end

local function cmp_uses(cmp, key)
  local mapping = mapping_of(key, cmp.get_config().mapping)
  return mapping ~= nil and mapping.i ~= nil
end

local function blink_uses(key)
  local is_known, mappings = pcall(function()
    local keymap = require("blink.cmp.config").keymap
    return require("blink.cmp.keymap").get_mappings(keymap, "default")
  end)
  if not is_known then
    return true
  end
  return vim.iter(mapping_of(key, mappings) or {}):any(function(command)
    return type(command) == "function" or BLINK_MENU[command] == true
  end)
end

--- The plugins by the name of their module. One that is not loaded has no menu.
local plugins = {
  cmp = function(cmp, key)
    return cmp.visible() and cmp_uses(cmp, key)
  end,
  ["blink.cmp"] = function(blink, key)
    return blink.is_menu_visible() and blink_uses(key)
  end,
}

--- True if the menu of a plugin is open and `key` does something in it.
--- @param key string
--- @return boolean
function M.owns(key)
  for name, is_owner in pairs(plugins) do
    local plugin = package.loaded[name]
    if plugin then
      local is_known, owns = pcall(is_owner, plugin, key)
      if is_known and owns then
        return true
      end
    end
  end
  return false
end

return M
