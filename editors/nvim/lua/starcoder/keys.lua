--- Keys that are mapped only while ghost text is shown.
--- At other times every key does what it did before.
local popup = require("starcoder.popup")

local M = {}

--- @class starcoder.Key
--- @field keys string
--- @field description string
--- @field action fun(): boolean
--- @field yields boolean the key goes to a popup that is open and uses it

--- @type starcoder.Key[]
local wanted = {}

--- Maps the keys again, if ghost text is still shown.
--- @type fun()
local show_again = function() end

--- @type integer?
local mapped_buffer = nil

--- The buffer-local mappings that our mappings hide.
--- @type table<string, table>
local hidden = {}

--- @param keys starcoder.Key[]
--- @param show fun() shows the current ghost text again, and maps the keys
function M.define(keys, show)
  M.unmap()
  wanted, show_again = keys, show
end

--- Let a key do what it does without ghost text.
local function press_again(keys)
  M.unmap()
  vim.api.nvim_create_autocmd("SafeState", {
    once = true,
    callback = function()
      show_again()
    end,
  })
  local codes = vim.api.nvim_replace_termcodes(keys, true, true, true)
  vim.api.nvim_feedkeys(codes, "mi", false)
end

local function map(buffer, key)
  local existing = vim.fn.maparg(key.keys, "i", false, true)
  hidden[key.keys] = existing.buffer == 1 and existing or nil
  vim.keymap.set("i", key.keys, function()
    local is_popups = key.yields and popup.owns(key.keys)
    if is_popups or not key.action() then
      press_again(key.keys)
    end
  end, { buffer = buffer, desc = key.description, nowait = true })
end

local function unmap(key)
  local current = vim.fn.maparg(key.keys, "i", false, true)
  if current.buffer ~= 1 or current.desc ~= key.description then
    return
  end
  vim.keymap.del("i", key.keys, { buffer = true })
  if hidden[key.keys] then
    vim.fn.mapset("i", false, hidden[key.keys])
  end
end

--- @param buffer integer the current buffer
function M.map(buffer)
  if mapped_buffer == buffer then
    return
  end
  M.unmap()
  mapped_buffer = buffer
  for _, key in ipairs(wanted) do
    map(buffer, key)
  end
end

function M.unmap()
  local buffer = mapped_buffer
  mapped_buffer = nil
  if buffer and vim.api.nvim_buf_is_loaded(buffer) then
    vim.api.nvim_buf_call(buffer, function()
      vim.iter(wanted):each(unmap)
    end)
  end
  hidden = {}
end

return M
