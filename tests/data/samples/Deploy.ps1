Import-Module Pester

# Says where it goes.
function Get-Target {
    param([string]$Name)
    return "$Name.example.com"
}

class Server {
    [string]$Name

    [void] Start() {
        Write-Host $this.Name
    }
}

enum Color { Red; Green }
