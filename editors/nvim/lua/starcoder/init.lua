--- Ghost text from starcoder-lsp: `require("starcoder").setup{}`.
local client_of = require("starcoder.client")
local ghost = require("starcoder.ghost")
local inline = require("starcoder.inline")
local key_maps = require("starcoder.keys")
local option_set = require("starcoder.options")
local status = require("starcoder.status")

local M = {}

--- How long the cursor has to rest before the server is notified.
local REST_MS = 200
local SNOOZE_MINUTES = 30

--- @type starcoder.Options? nil before setup()
local options = nil

local is_enabled = true

local function is_wanted(buffer)
  if not (is_enabled and options and vim.api.nvim_buf_is_loaded(buffer)) then
    return false
  end
  local filetypes = options.filetypes
  return vim.bo[buffer].buftype == ""
    -- All buffers without a name would have the same URI.
    and vim.api.nvim_buf_get_name(buffer) ~= ""
    and vim.b[buffer].starcoder_enabled ~= false
    and (not filetypes or vim.list_contains(filetypes, vim.bo[buffer].filetype))
end

local function attach(buffer)
  if is_wanted(buffer) then
    client_of.attach(buffer, options)
  end
end

local function attach_all()
  vim.iter(vim.api.nvim_list_bufs()):each(attach)
end

local function suggest()
  if not is_wanted(vim.api.nvim_get_current_buf()) then
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
  -- Neovim is not in insert mode yet.
  vim.schedule(suggest)
end

local function listen()
  local group = vim.api.nvim_create_augroup("starcoder", {})
  local function on(events, callback)
    vim.api.nvim_create_autocmd(events, { group = group, callback = callback })
  end
  on({ "FileType", "BufEnter", "BufFilePost", "BufWritePost" }, function(event)
    attach(event.buf)
  end)
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
      table.insert(wanted, { keys = keys, description = description, action = action })
    end
  end
  key_maps.define(wanted)
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
  vim.cmd.runtime("plugin/starcoder.lua")
  ghost.define_highlights()
  define_keys()
  listen()
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

local function ask_server(command, arguments, on_result)
  local client = client_of.attached(vim.api.nvim_get_current_buf())
  if not client then
    vim.notify("starcoder: not attached to this buffer", vim.log.levels.WARN)
    return
  end
  client_of.execute(client, { command = command, arguments = arguments }, on_result)
end

local function show_text(text)
  vim.schedule(function()
    vim.lsp.util.open_floating_preview(vim.split(text or "", "\n"), "text", {
      border = "rounded",
      focus_id = "starcoder",
    })
  end)
end

--- Show how the last suggestion was made, or why there was none.
function M.explain()
  ask_server("starcoder.explain", nil, show_text)
end

--- Show how many suggestions were shown and accepted on this machine.
function M.statistics()
  ask_server("starcoder.statistics", nil, show_text)
end

--- Suggest nothing for so many minutes, except on request; 0 ends it.
--- @param minutes number?
function M.snooze(minutes)
  inline.clear()
  ask_server("starcoder.snooze", { minutes or SNOOZE_MINUTES })
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

return M
