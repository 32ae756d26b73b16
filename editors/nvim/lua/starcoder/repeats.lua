--- Knows when typed keys are repeated: in a macro, or in all lines of a visual block.
--- There, keys must mean the same each time, whether ghost text is shown or not.
local M = {}

local CTRL_V = "\22"

local is_block_insert = false

--- Note a change of mode; the callback of |ModeChanged|.
function M.note_mode()
  local from, to = vim.v.event.old_mode, vim.v.event.new_mode
  is_block_insert = from:sub(1, 1) == CTRL_V and to:sub(1, 1) == "i"
end

--- @return boolean
function M.is_repeated()
  local is_macro = vim.fn.reg_executing() ~= "" or vim.fn.reg_recording() ~= ""
  return is_block_insert or is_macro
end

return M
