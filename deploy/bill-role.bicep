// The bill is read of the whole subscription: Cost Management groups it by resource.
targetScope = 'subscription'

@description('Object id of the identity that watches.')
param reader string

var costManagementReader = '72fafb9e-0641-4937-9268-a91bfd8191a3'

resource bill 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, reader, costManagementReader)
  properties: {
    principalId: reader
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', costManagementReader)
  }
}
