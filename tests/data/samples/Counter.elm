module Counter exposing (Model, update)

import Html exposing (Html, button)


type Msg
    = Increment
    | Decrement


type alias Model =
    { count : Int }


-- Changes the model.
update : Msg -> Model -> Model
update msg model =
    case msg of
        Increment ->
            { model | count = model.count + 1 }

        Decrement ->
            model
