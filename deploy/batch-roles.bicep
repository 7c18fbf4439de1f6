// The least that the bot needs on one Batch account, by the ids of built-in roles; see docs/deploy.md.

param account string

@description('Object id of the identity that watches.')
param reader string

@description('Object id of the identity that changes the account; empty where nothing may.')
param operator string = ''

var batchAccountReader = '11076f67-66f6-4be0-8f6b-f0609fd05cc9'
var batchDataContributor = '6aaa78f1-f7de-44ca-8722-c64a23943cae'
var monitoringReader = '43d0d8ad-25c7-4714-9337-8ba259a9fe05'

resource batch 'Microsoft.Batch/batchAccounts@2024-07-01' existing = {
  name: account
}

resource watches 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in [batchAccountReader, monitoringReader]: {
    name: guid(batch.id, reader, role)
    scope: batch
    properties: {
      principalId: reader
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
    }
  }
]

resource changes 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(operator)) {
  name: guid(batch.id, operator, batchDataContributor)
  scope: batch
  properties: {
    principalId: operator
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', batchDataContributor)
  }
}
