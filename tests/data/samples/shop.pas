unit Shop;

interface

uses SysUtils;

type
  TCart = class(TObject)
    procedure Add(Item: string);
  end;

const
  Limit = 10;

function Twice(X: Integer): Integer;

implementation

procedure TCart.Add(Item: string);
begin
  WriteLn(Item);
end;

function Twice(X: Integer): Integer;
begin
  Result := X * 2;
end;

end.
