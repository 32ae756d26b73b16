--- The life cycle of a suggestion: request, show, type through, accept, drop.
local client_of = require("starcoder.client")
local ghost = require("starcoder.ghost")
local keys = require("starcoder.keys")
local suggestion_of = require("starcoder.suggestion")

local M = {}

M.INVOKED = 1
M.AUTOMATIC = 2

--- @class starcoder.Answer
--- @field client vim.lsp.Client
--- @field buffer integer
--- @field suggestions starcoder.Suggestion[]
--- @field index integer
--- @field n_announced integer? index of the item that was last reported as shown

--- @type starcoder.Answer?
local answer = nil

--- @type (fun())?
local cancel_request = nil

--- The place of the last automatic request; several events may report one change.
--- @type starcoder.Place?
local requested_at = nil

--- @type { trigger_kind: 1|2, place: starcoder.Place }?
local last_request = nil

local newest_request = 0
--- The oldest request whose answer is still of use.
local oldest_welcome = 0

local changedtick_seen = nil

local function is_inserting()
  return vim.api.nvim_get_mode().mode:sub(1, 1) == "i"
end

local function cancel()
  if cancel_request then
    cancel_request()
    cancel_request = nil
  end
end

local function hide()
  keys.unmap()
  if answer then
    ghost.clear(answer.buffer)
    answer = nil
  end
end

--- The current suggestion, and the rest of it at the cursor.
--- @return starcoder.Suggestion? suggestion
--- @return string? rest
--- @return starcoder.Place place
local function current()
  local place = suggestion_of.place()
  if not answer or answer.buffer ~= place.buffer then
    return nil, nil, place
  end
  local suggestion = answer.suggestions[answer.index]
  local rest = suggestion_of.rest(suggestion, place)
  return rest and suggestion, rest, place
end

local function announce_shown(suggestion)
  if answer.n_announced ~= answer.index then
    answer.n_announced = answer.index
    local params = { item = suggestion.item }
    client_of.notify_event(answer.client, "textDocument/didShowCompletion", params)
  end
end

--- Show the rest of the current suggestion, or hide it if nothing is left.
--- @return boolean is_shown
function M.show()
  local suggestion, rest, place = current()
  if not suggestion then
    hide()
    return false
  end
  ghost.draw(place, rest, suggestion.replaced)
  keys.map(place.buffer)
  announce_shown(suggestion)
  return true
end

local function pin_all(items, place, encoding)
  local suggestions = {}
  for _, item in ipairs(items) do
    table.insert(suggestions, suggestion_of.pin(item, place, encoding))
  end
  return suggestions
end

local function fits(suggestion, place)
  return suggestion_of.rest(suggestion, place) ~= nil
end

--- The index of the suggestion to show first, preferably one that is not shown yet.
local function first_index(suggestions, shown_rest)
  local place, fitting = suggestion_of.place(), nil
  for index, suggestion in ipairs(suggestions) do
    local rest = suggestion_of.rest(suggestion, place)
    if rest and rest ~= shown_rest then
      return index
    end
    fitting = fitting or (rest and index)
  end
  return fitting
end

local function receive(client, items, place)
  if #items == 0 then
    hide()
    return
  end
  local suggestions = pin_all(items, place, client.offset_encoding)
  local _, shown_rest = current()
  local index = first_index(suggestions, shown_rest)
  if index then
    answer = {
      client = client,
      buffer = place.buffer,
      suggestions = suggestions,
      index = index,
    }
    M.show()
  end
end

local function on_answer(number, client, items, place)
  if number == newest_request then
    cancel_request = nil
  end
  local is_late = number < oldest_welcome
    or not is_inserting()
    or vim.api.nvim_get_current_buf() ~= place.buffer
  if is_late or not items then
    return
  end
  oldest_welcome = number
  receive(client, items, place)
end

local function request(trigger_kind, place, is_more)
  local client = client_of.attached(place.buffer)
  if not client then
    return false
  end
  cancel()
  last_request = { trigger_kind = trigger_kind, place = place }
  newest_request = newest_request + 1
  local number = newest_request
  cancel_request = client_of.request(client, place.buffer, trigger_kind, function(items)
    on_answer(number, client, items, place)
  end, is_more)
  return cancel_request ~= nil
end

--- Request suggestions after a change.
function M.request_automatically()
  local place = suggestion_of.place()
  if not is_inserting() or vim.deep_equal(place, requested_at) then
    return
  end
  -- Before the server is ready nothing is sent; `LspAttach` then comes here again.
  requested_at = request(M.AUTOMATIC, place) and place or nil
end

--- Repeat the last request, if the server can answer it now: it had no time before, or no
--- model yet.
--- @param params { textDocument: { uri: string } }
function M.request_again(params)
  local place = suggestion_of.place()
  local is_here = last_request
    and is_inserting()
    and vim.deep_equal(place, last_request.place)
    and client_of.uri(place.buffer) == params.textDocument.uri
  if is_here then
    request(last_request.trigger_kind, place)
  end
end
client_of.on_suggestion_ready = M.request_again

--- Request suggestions on behalf of the user.
--- @return boolean is_sent
function M.request_explicitly()
  return is_inserting() and request(M.INVOKED, suggestion_of.place())
end

--- Request a longer suggestion than usual.
--- @return boolean is_sent
function M.request_more()
  return is_inserting() and request(M.INVOKED, suggestion_of.place(), true)
end

--- Cancel, hide and forget everything.
function M.clear()
  cancel()
  hide()
  oldest_welcome = newest_request + 1
  requested_at = nil
end

--- Record that the current text was handled.
function M.note_text()
  changedtick_seen = vim.b.changedtick
end

--- True between a change and its TextChangedI event, which follows CursorMovedI.
function M.has_new_text()
  return changedtick_seen ~= vim.b.changedtick
end

--- @return boolean was_shown
function M.dismiss()
  local suggestion, _, place = current()
  local was_shown = suggestion ~= nil
  if suggestion then
    local params = { item = suggestion.item }
    client_of.notify_event(answer.client, "starcoder/didRejectCompletion", params)
  end
  M.clear()
  requested_at = place
  return was_shown
end

--- Show another suggestion of the answer; request more if there is only one.
--- @param step 1|-1
--- @return boolean is_shown
function M.select(step)
  local suggestion, _, place = current()
  if not suggestion then
    return false
  end
  local count = #answer.suggestions
  if count == 1 then
    M.request_explicitly()
    return true
  end
  repeat
    answer.index = (answer.index - 1 + step) % count + 1
  until fits(answer.suggestions[answer.index], place)
  return M.show()
end

--- Accept the shown suggestion, or a part of it.
--- @param part starcoder.Part
--- @return boolean is_accepted false when nothing is shown
function M.accept(part)
  if not current() then
    return false
  end
  -- Typed keys, unlike a direct change, work in <expr> mappings and close the
  -- completion popup; CTRL-G u makes the insertion one undo step.
  local insertion = '<C-g>u<Cmd>lua require("starcoder.inline").insert("%s")<CR>'
  local codes = vim.api.nvim_replace_termcodes(insertion:format(part), true, true, true)
  vim.api.nvim_feedkeys(codes, "ni", false)
  return true
end

local function insert_text(place, text, n_replaced)
  local lines = vim.split(text, "\n", { plain = true })
  local row, column = place.row, place.column
  vim.api.nvim_buf_set_text(place.buffer, row, column, row, column + n_replaced, lines)
  local start_of_last = #lines == 1 and column or 0
  vim.api.nvim_win_set_cursor(0, { row + #lines, start_of_last + #lines[#lines] })
end

local function finish(client, suggestion)
  M.clear()
  if type(suggestion.item.command) == "table" then
    client_of.execute(client, suggestion.item.command)
  end
end

local function report_partial(client, suggestion, rest, piece)
  local accepted = suggestion.text:sub(1, #suggestion.text - #rest + #piece)
  client_of.notify_event(client, "textDocument/didPartiallyAcceptCompletion", {
    item = suggestion.item,
    acceptedLength = vim.fn.strutf16len(accepted),
  })
end

--- Insert a part of the suggestion; `accept` types the keys that call this.
--- @param part starcoder.Part
function M.insert(part)
  local suggestion, rest, place = current()
  if not suggestion then
    return
  end
  local client = answer.client
  local piece = suggestion_of.piece(suggestion, rest, part)
  if piece == rest then
    insert_text(place, rest, #suggestion.replaced)
    finish(client, suggestion)
  else
    insert_text(place, piece, 0)
    report_partial(client, suggestion, rest, piece)
  end
end

return M
