// Reads the event hub with the diagnostic events of Batch accounts, and nothing else of its namespace; see docs/event-hubs.md.

param namespace string

param hub string

@description('Object id of the identity that watches.')
param reader string

var eventHubsDataReceiver = 'a638d3c7-ab3a-418d-83e6-5f17a39d4fde'

resource events 'Microsoft.EventHub/namespaces/eventhubs@2024-01-01' existing = {
  name: '${namespace}/${hub}'
}

resource reads 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(events.id, reader, eventHubsDataReceiver)
  scope: events
  properties: {
    principalId: reader
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', eventHubsDataReceiver)
  }
}
