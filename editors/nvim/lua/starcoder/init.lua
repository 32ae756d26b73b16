--- Ghost text from starcoder-lsp: `require("starcoder").setup{}`.
local ask = require("starcoder.ask")
local buffers = require("starcoder.buffers")
local client_of = require("starcoder.client")
local ghost = require("starcoder.ghost")
local help = require("starcoder.help")
local inline = require("starcoder.inline")
local key_maps = require("starcoder.keys")
local option_set = require("starcoder.options")
local repeats = require("starcoder.repeats")
local status = require("starcoder.status")

local M = {}

--- How long the cursor has to rest before the server is notified.
local REST_MS = 200

--- @type starcoder.Options? nil before setup()
local options = nil

local is_enabled = true

--- @return string? reason why nothing is suggested in a buffer, nil if something is
local function why_not(buffer)
  if not options then
    return 'require("starcoder").setup{} has not been called'
  end
  return not is_enabled and "disabled" or buffers.why_not(buffer, options)
end

local function is_wanted(buffer)
  return why_not(buffer) == nil
end

local function attach(buffer)
  if vim.api.nvim_buf_is_valid(buffer) and is_wanted(buffer) then
    client_of.attach(buffer, options)
  end
end

--- Attach a file. A buffer without a name is attached in insert mode: until then it may
--- be the empty one that Neovim starts with.
local function attach_file(buffer)
  if vim.api.nvim_buf_is_valid(buffer) and vim.api.nvim_buf_get_name(buffer) ~= "" then
    attach(buffer)
  end
end

local function attach_all()
  vim.iter(vim.api.nvim_list_bufs()):each(attach_file)
end

--- Detach buffers that have become something else than a file, such as a terminal.
local function detach_unwanted()
  for _, buffer in ipairs(client_of.open_buffers()) do
    if not buffers.is_text_file(buffer) then
      client_of.detach(buffer)
    end
  end
end

local function suggest()
  if repeats.is_repeated() or not is_wanted(vim.api.nvim_get_current_buf()) then
    inline.clear()
    return
  end
  if not inline.show() and options.auto then
    inline.request_automatically()
  end
end

local function on_text_changed()
  inline.note_text()
  suggest()
end

local function on_cursor_moved()
  if not inline.has_new_text() then
    suggest()
  end
end

--- Notify the server of the cursor once it rests; requests do so while typing.
local n_moves = 0
local function notify_when_the_cursor_rests()
  n_moves = n_moves + 1
  local number = n_moves
  vim.defer_fn(function()
    local buffer = vim.api.nvim_get_current_buf()
    local client = number == n_moves and is_wanted(buffer) and client_of.attached(buffer)
    if client then
      client_of.notify_cursor(client)
    end
  end, REST_MS)
end

local function on_insert_enter()
  inline.note_text()
  attach(vim.api.nvim_get_current_buf())
  -- Neovim is not in insert mode yet.
  vim.schedule(suggest)
end

local function listen()
  local group = vim.api.nvim_create_augroup("starcoder", {})
  local function on(events, callback)
    vim.api.nvim_create_autocmd(events, { group = group, callback = callback })
  end
  on({ "FileType", "BufEnter", "BufFilePost", "BufWritePost" }, function(event)
    -- Commands such as :terminal say only later what the new buffer is.
    vim.schedule(function()
      attach_file(event.buf)
    end)
  end)
  -- A buffer with another name is another document.
  on("BufFilePre", function(event)
    client_of.detach(event.buf)
  end)
  -- `:write NAME` wipes the buffer without a name out, as far as events tell.
  on({ "BufUnload", "BufWipeout" }, function(event)
    client_of.close_unnamed(event.buf)
  end)
  on({ "OptionSet", "TermOpen" }, detach_unwanted)
  on("ModeChanged", repeats.note_mode)
  on("LspAttach", function(event)
    local client = vim.lsp.get_client_by_id(event.data.client_id)
    if client and client.name == client_of.name then
      status.announce()
      suggest()
      notify_when_the_cursor_rests()
    end
  end)
  on("InsertEnter", on_insert_enter)
  on({ "TextChangedI", "TextChangedP" }, on_text_changed)
  on("CursorMovedI", on_cursor_moved)
  on({ "CursorMoved", "BufEnter" }, notify_when_the_cursor_rests)
  on({ "InsertLeave", "BufLeave", "WinLeave" }, inline.clear)
  on("ColorScheme", ghost.define_highlights)
end

local function define_keys()
  local actions = {
    accept = M.accept,
    accept_word = M.accept_word,
    accept_line = M.accept_line,
    next = M.next,
    previous = M.previous,
    dismiss = M.dismiss,
  }
  local wanted = {}
  for name, action in pairs(actions) do
    local keys = options.keys[name]
    if keys then
      local description = "starcoder: " .. name:gsub("_", " ")
      table.insert(wanted, {
        keys = keys,
        description = description,
        action = action,
        yields = options.popup_keys == "popup",
      })
    end
  end
  key_maps.define(wanted, inline.show)
  if options.keys.trigger then
    vim.keymap.set("i", options.keys.trigger, M.trigger, { desc = "starcoder: trigger" })
  end
  if options.keys.more then
    vim.keymap.set("i", options.keys.more, M.more, { desc = "starcoder: more" })
  end
end

--- Attach the server to all present and future buffers. See |starcoder-options|.
--- @param given table?
function M.setup(given)
  local resolved, problem = option_set.resolve(given)
  if not resolved then
    vim.notify("starcoder: " .. problem, vim.log.levels.ERROR)
    return
  end
  options = resolved
  -- A plugin manager may add this folder to 'runtimepath' after Neovim has read the
  -- plugins there.
  require("starcoder.command").define()
  help.make_tags()
  ghost.define_highlights()
  define_keys()
  listen()
  client_of.on_start = suggest
  attach_all()
end

--- The current options, nil before setup().
--- @return starcoder.Options?
function M.options()
  return options
end

--- Accept the whole suggestion.
--- @return boolean is_accepted false when none is shown
function M.accept()
  return inline.accept("all")
end

--- Accept the suggestion up to the end of its next word.
--- @return boolean is_accepted
function M.accept_word()
  return inline.accept("word")
end

--- Accept the suggestion up to the end of its line.
--- @return boolean is_accepted
function M.accept_line()
  return inline.accept("line")
end

--- @return boolean is_shown
function M.next()
  return inline.select(1)
end

--- @return boolean is_shown
function M.previous()
  return inline.select(-1)
end

--- Hide the suggestion until the next change.
--- @return boolean was_shown
function M.dismiss()
  return inline.dismiss()
end

--- Request suggestions now. Needs insert mode.
--- @return boolean is_sent
function M.trigger()
  return is_wanted(vim.api.nvim_get_current_buf()) and inline.request_explicitly()
end

--- Request a longer suggestion. Needs insert mode.
--- @return boolean is_sent
function M.more()
  return is_wanted(vim.api.nvim_get_current_buf()) and inline.request_more()
end

--- Show how the last suggestion was made, or why there was none.
M.explain = ask.explain

--- Show how many suggestions were shown and accepted on this machine.
M.statistics = ask.statistics

--- Suggest nothing for so many minutes, except on request; 0 ends it.
--- @param minutes number?
function M.snooze(minutes)
  inline.clear()
  ask.snooze(minutes)
end

function M.enable()
  is_enabled = true
  attach_all()
  suggest()
  status.announce()
end

--- Stop requesting suggestions. The server keeps running, so that `enable` works at once.
function M.disable()
  is_enabled = false
  inline.clear()
  status.announce()
end

function M.toggle()
  if is_enabled then
    M.disable()
  else
    M.enable()
  end
end

--- Load the model again, or start the server again after a failure.
function M.restart()
  client_of.forgive()
  local client = client_of.attached(vim.api.nvim_get_current_buf())
  if client then
    client_of.execute(client, { command = "starcoder.restart" })
  else
    attach_all()
    attach(vim.api.nvim_get_current_buf())
  end
end

--- A short text for a statusline, "" when no server is attached.
--- @return string
function M.status()
  local buffer = vim.api.nvim_get_current_buf()
  local client = client_of.attached(buffer)
  if not client then
    return client_of.has_failed() and "starcoder: ⚠ server not running" or ""
  end
  if not is_wanted(buffer) then
    return "starcoder: disabled"
  end
  return "starcoder: " .. status.describe(status.of(client.id))
end

local function waits_for_insert_mode()
  return vim.api.nvim_buf_get_name(0) == "" and not client_of.is_starting()
end

--- The status, or why there is none in this buffer.
--- @return string
function M.explain_status()
  local text = M.status()
  if text ~= "" and not client_of.has_failed() then
    return text
  end
  if client_of.has_failed() then
    return "starcoder: server not running; :Starcoder restart starts it"
  end
  local reason = why_not(vim.api.nvim_get_current_buf())
    or (waits_for_insert_mode() and "a buffer without a name gets a server in insert mode")
    or "the server is starting"
  return "starcoder: not attached: " .. reason
end

return M
