--- Knows when typed text is repeated: by a macro, or in all lines of a visual block.
--- Ghost text there would change what is repeated.
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
  return is_block_insert or vim.fn.reg_executing() ~= ""
end

return M
