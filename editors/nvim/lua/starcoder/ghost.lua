--- Draws ghost text, the text that a suggestion would insert.
local M = {}

M.namespace = vim.api.nvim_create_namespace("starcoder")

local GHOST = "StarcoderGhost"
local REPLACED = "StarcoderReplaced"

function M.define_highlights()
  vim.api.nvim_set_hl(0, GHOST, { link = "Comment", default = true })
  vim.api.nvim_set_hl(0, REPLACED, { strikethrough = true, default = true })
end

--- Replace tabs by spaces of the same width, because virtual text cannot show tabs.
local function expand_tabs(text, display_column)
  local parts = vim.split(text, "\t", { plain = true })
  local expanded = parts[1]
  for index = 2, #parts do
    local column = display_column + vim.fn.strdisplaywidth(expanded, display_column)
    local width = vim.fn.strdisplaywidth("\t", column)
    expanded = expanded .. (" "):rep(width) .. parts[index]
  end
  return expanded
end

--- The pieces of the new text that stand around the characters of the old one, as
--- {byte offset, text} pairs; nil if the new text does not contain these characters.
local function pieces_around(replaced, new)
  if vim.endswith(new, replaced) then
    return { { 0, new:sub(1, #new - #replaced) } }
  end
  local pieces, position, offset = {}, 1, 0
  for _, character in ipairs(vim.fn.split(replaced, [[\zs]])) do
    local found = new:find(character, position, true)
    if not found then
      return nil
    end
    table.insert(pieces, { offset, new:sub(position, found - 1) })
    position = found + #character
    offset = offset + #character
  end
  table.insert(pieces, { offset, new:sub(position) })
  return pieces
end

local function draw_piece(place, offset, text, virtual_lines)
  local column = place.column + offset
  local display_column = vim.fn.strdisplaywidth(place.line:sub(1, column))
  vim.api.nvim_buf_set_extmark(place.buffer, M.namespace, place.row, column, {
    virt_text = { { expand_tabs(text, display_column), GHOST } },
    virt_text_pos = "inline",
    virt_lines = virtual_lines,
    -- "combine" would add the highlight of the character at the cursor, often a
    -- bracket that matchparen highlights.
    hl_mode = "replace",
  })
end

local function strike(place, replaced)
  vim.api.nvim_buf_set_extmark(place.buffer, M.namespace, place.row, place.column, {
    end_col = place.column + #replaced,
    hl_group = REPLACED,
  })
end

--- @param place starcoder.Place
--- @param rest string
--- @param replaced string the text after the cursor that `rest` replaces
function M.draw(place, rest, replaced)
  M.clear(place.buffer)
  local lines = vim.split(rest, "\n", { plain = true })
  local virtual_lines = {}
  for index = 2, #lines do
    table.insert(virtual_lines, { { expand_tabs(lines[index], 0), GHOST } })
  end
  local pieces = pieces_around(replaced, lines[1])
  if not pieces then
    strike(place, replaced)
    pieces = { { 0, lines[1] } }
  end
  for index, piece in ipairs(pieces) do
    draw_piece(place, piece[1], piece[2], index == 1 and virtual_lines or nil)
  end
end

--- @param buffer integer
function M.clear(buffer)
  if vim.api.nvim_buf_is_valid(buffer) then
    vim.api.nvim_buf_clear_namespace(buffer, M.namespace, 0, -1)
  end
end

return M
