--- Suggestions: items of an answer with the text that they were made for.
local client_of = require("starcoder.client")

local M = {}

--- @class starcoder.Place A position of the cursor, and the state of the buffer.
--- @field buffer integer
--- @field row integer
--- @field column integer bytes
--- @field line string
--- @field changedtick integer

--- @class starcoder.Suggestion
--- @field item table as the server sent it
--- @field text string the whole insertText
--- @field row integer
--- @field column integer the byte column where `text` begins
--- @field before string the line up to `column`
--- @field after string the line from the cursor on
--- @field replaced string the start of `after` that `text` replaces

--- The cursor of the current window.
--- @return starcoder.Place
function M.place()
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  return {
    buffer = vim.api.nvim_get_current_buf(),
    row = row - 1,
    column = column,
    line = vim.api.nvim_get_current_line(),
    changedtick = vim.b.changedtick,
  }
end

--- @param item table
--- @param place starcoder.Place
--- @param encoding string
--- @return starcoder.Suggestion? suggestion nil for a snippet or another line
function M.pin(item, place, encoding)
  local range = item.range
  if type(item.insertText) ~= "string" or (range and range.start.line ~= place.row) then
    return nil
  end
  local start_column, end_column = place.column, place.column
  if range then
    start_column = client_of.byte_column(place.line, range.start.character, encoding)
    end_column = client_of.byte_column(place.line, range["end"].character, encoding)
  end
  local after = place.line:sub(place.column + 1)
  return {
    item = item,
    text = (item.insertText:gsub("\r\n", "\n")),
    row = place.row,
    column = start_column,
    before = place.line:sub(1, start_column),
    after = after,
    replaced = after:sub(1, math.max(end_column - place.column, 0)),
  }
end

local function typed_since(suggestion, place)
  local lines = vim.api.nvim_buf_get_text(
    place.buffer,
    suggestion.row,
    suggestion.column,
    place.row,
    place.column,
    {}
  )
  return table.concat(lines, "\n")
end

local function is_around(suggestion, place)
  local n_breaks = select(2, suggestion.text:gsub("\n", ""))
  local n_rows_down = place.row - suggestion.row
  if n_rows_down < 0 or n_rows_down > n_breaks then
    return false
  end
  if n_rows_down == 0 and place.column < suggestion.column then
    return false
  end
  if place.line:sub(place.column + 1) ~= suggestion.after then
    return false
  end
  local first_line = vim.api.nvim_buf_get_lines(
    place.buffer,
    suggestion.row,
    suggestion.row + 1,
    false
  )[1]
  return vim.startswith(first_line, suggestion.before)
end

--- The rest to insert, if the text typed since then agrees with the suggestion.
--- @param suggestion starcoder.Suggestion
--- @param place starcoder.Place
--- @return string? rest nil if the typed text disagrees, or nothing is left
function M.rest(suggestion, place)
  if not is_around(suggestion, place) then
    return nil
  end
  local typed = typed_since(suggestion, place)
  if not vim.startswith(suggestion.text, typed) then
    return nil
  end
  local rest = suggestion.text:sub(#typed + 1)
  if rest == suggestion.replaced then
    return nil
  end
  return rest
end

--- The functions that cut the piece to accept from `rest`.
M.parts = {
  all = function(rest)
    return rest
  end,
  line = function(rest)
    return rest:match("^\n?[^\n]*")
  end,
  word = function(rest)
    local word = [=[^\_s*\%(\k\+\|[^[:keyword:][:space:]]\+\)]=]
    local found = vim.fn.matchstr(rest, word)
    return found ~= "" and found or rest
  end,
}

--- @alias starcoder.Part "all"|"line"|"word"

--- @param suggestion starcoder.Suggestion
--- @param rest string
--- @param part starcoder.Part
--- @return string
function M.piece(suggestion, rest, part)
  local piece = M.parts[part](rest)
  -- The remaining text already stands after the cursor.
  if rest:sub(#piece + 1) == suggestion.replaced then
    return rest
  end
  return piece
end

return M
