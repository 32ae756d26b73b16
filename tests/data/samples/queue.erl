-module(queue).
-export([push/2, size/1]).
-record(item, {name, price}).
-define(LIMIT, 10).

%% Adds an item.
push(Item, []) ->
    [Item];
push(Item, Queue) ->
    Queue ++ [Item].

size(Queue) ->
    length(Queue).
