param location string = 'westeurope'
var name = 'store${uniqueString(resourceGroup().id)}'

// Keeps the files.
resource store 'Microsoft.Storage/storageAccounts@2022-09-01' = {
  name: name
  location: location
}

module network './network.bicep' = {
  name: 'network'
}

output id string = store.id
