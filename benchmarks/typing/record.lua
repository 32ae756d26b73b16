-- Records how you type, for `benchmarks/typing --session FILE`:
--
--   STARCODER_RECORD=my.jsonl nvim --clean -S benchmarks/typing/record.lua file.py
--
-- Move to the place, press i, and type; <BS> deletes. Press <Tab> where you would read the
-- ghost text and accept it if it is right; the key inserts nothing. The file is written
-- when you leave insert mode. Keys that move the cursor are not recorded, so stay there.
vim.o.autoindent = true
vim.keymap.set("i", "<Tab>", "<Ignore>")

local file = vim.env.STARCODER_RECORD
assert(file, "set STARCODER_RECORD to the file to write")
local rows = {}
local last_ns = nil

local function is_inserting()
  return vim.api.nvim_get_mode().mode:sub(1, 1) == "i"
end

local function text_around_cursor()
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  local lines = vim.api.nvim_buf_get_lines(0, 0, -1, false)
  local above = vim.list_slice(lines, 1, row)
  above[row] = lines[row]:sub(1, column)
  local below = vim.list_slice(lines, row, #lines)
  below[1] = lines[row]:sub(column + 1)
  return { above = table.concat(above, "\n"), below = table.concat(below, "\n") .. "\n" }
end

local NAMES = { ["<BS>"] = "back", ["<Tab>"] = "look", ["<Space>"] = " ", ["<lt>"] = "<" }
NAMES["<Bar>"], NAMES["<Bslash>"] = "|", "\\"

--- The name of a key in the file; nil for a key that inserts nothing.
local function written(key)
  if key == "<CR>" then
    return "\n" .. vim.api.nvim_get_current_line():match("^%s*")
  end
  return NAMES[key] or (vim.fn.strchars(key) == 1 and key or nil)
end

vim.on_key(function(_, typed)
  if typed == nil or typed == "" or not is_inserting() then
    return
  end
  local now_ns, key = vim.uv.hrtime(), vim.fn.keytrans(typed)
  -- Not at once, because the editor has not indented the new line yet.
  vim.schedule(function()
    local text = written(key)
    if text then
      local gap_ms = math.floor((now_ns - (last_ns or now_ns)) / 1e6)
      table.insert(rows, { gap_ms, text })
      last_ns = now_ns
    end
  end)
end)

vim.api.nvim_create_autocmd("InsertEnter", {
  once = true,
  callback = function()
    table.insert(rows, text_around_cursor())
  end,
})

vim.api.nvim_create_autocmd("InsertLeave", {
  callback = vim.schedule_wrap(function()
    vim.fn.writefile(vim.tbl_map(vim.json.encode, rows), file)
  end),
})
