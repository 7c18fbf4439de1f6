// The bot in Azure Container Apps, its database in Azure Database for PostgreSQL, and what it may do in Azure:
//   az deployment group create -g batchbot -f deploy/container-apps.bicep -p image=… batchAccounts=@accounts.json keyVault=… settings=@more.toml
//
// Two identities: one reads, the other one changes accounts, and has roles only where `operated` says so. A defect of
// what reads can then change nothing.

@description('The image, such as registry.azurecr.io/batchbot:0.1.0, from a registry that the reading identity may pull of, or a public one.')
param image string

@description('The Batch accounts to watch. operated: the bot may change it too.')
param batchAccounts batchAccount[]

@description('A key vault of this resource group with RBAC, which holds the secrets: SLACK-BOT-TOKEN and the like.')
param keyVault string

@description('Which secrets of the key vault the program gets, and under which variable: {SLACK_BOT_TOKEN: \'SLACK-BOT-TOKEN\'}.')
param secrets object = {
  SLACK_BOT_TOKEN: 'SLACK-BOT-TOKEN'
  SLACK_SIGNING_SECRET: 'SLACK-SIGNING-SECRET'
}

@description('What stands in batchbot.toml beside [bot] and [accounts], which are written here: [slack], [teams], [alerts], [access].')
param settings string

param location string = resourceGroup().location

@description('Beginning of all names.')
@minLength(3)
@maxLength(20)
param name string = 'batchbot'

type batchAccount = {
  @description('Of the account in Azure, and in the chat.')
  name: string
  resourceGroup: string
  @description('https://NAME.REGION.batch.azure.com')
  endpoint: string
  operated: bool
}

// Built-in roles by their ids, which no tenant can change.
var acrPull = '7f951dda-4ed3-4680-a7ca-43fe172d538d'
var keyVaultSecretsUser = '4633458b-17de-408a-b874-0445c86b69e6'

resource reader 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: '${name}-reader'
  location: location
}

resource operator 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: '${name}-operator'
  location: location
}

module accounts 'batch-roles.bicep' = [
  for account in batchAccounts: {
    name: 'batchbot-roles-${account.name}'
    scope: resourceGroup(account.resourceGroup)
    params: {
      account: account.name
      reader: reader.properties.principalId
      operator: account.operated ? operator.properties.principalId : ''
    }
  }
]

module bill 'bill-role.bicep' = {
  name: 'batchbot-bill'
  scope: subscription()
  params: {
    reader: reader.properties.principalId
  }
}

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: keyVault
}

resource secretsForReader 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, reader.id, keyVaultSecretsUser)
  scope: vault
  properties: {
    principalId: reader.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsUser)
  }
}

resource pull 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (contains(image, '.azurecr.io/')) {
  name: guid(resourceGroup().id, reader.id, acrPull)
  properties: {
    principalId: reader.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', acrPull)
  }
}

// No password: the reading identity signs in with a token, and owns the database.
resource server 'Microsoft.DBforPostgreSQL/flexibleServers@2024-08-01' = {
  name: '${name}-${uniqueString(resourceGroup().id)}'
  location: location
  sku: {
    name: 'Standard_B1ms'
    tier: 'Burstable'
  }
  properties: {
    version: '16'
    authConfig: {
      activeDirectoryAuth: 'Enabled'
      passwordAuth: 'Disabled'
      tenantId: tenant().tenantId
    }
    storage: {
      storageSizeGB: 32
      autoGrow: 'Enabled'
    }
    backup: {
      backupRetentionDays: 14
      geoRedundantBackup: 'Disabled'
    }
  }

  resource database 'databases' = {
    name: 'batchbot'
    properties: {
      charset: 'UTF8'
      collation: 'C'
    }
  }

  resource owner 'administrators' = {
    name: reader.properties.principalId
    properties: {
      principalName: reader.name
      principalType: 'ServicePrincipal'
      tenantId: tenant().tenantId
    }
    dependsOn: [database]
  }

  // Services of Azure only; a private endpoint is stricter.
  resource fromAzure 'firewallRules' = {
    name: 'azure'
    properties: {
      startIpAddress: '0.0.0.0'
      endIpAddress: '0.0.0.0'
    }
    dependsOn: [owner]
  }
}

resource log 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: '${name}-log'
  location: location
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: 30
  }
}

resource environment 'Microsoft.App/managedEnvironments@2024-03-01' = {
  name: '${name}-environment'
  location: location
  properties: {
    appLogsConfiguration: {
      destination: 'log-analytics'
      logAnalyticsConfiguration: {
        customerId: log.properties.customerId
        sharedKey: log.listKeys().primarySharedKey
      }
    }
  }
}

var publicUrl = 'https://${name}.${environment.properties.defaultDomain}'
var database = 'postgresql://${reader.name}@${server.properties.fullyQualifiedDomainName}:5432/batchbot?sslmode=verify-full&sslrootcert=system'
var bot = [
  '[bot]'
  'listen = "0.0.0.0:8080"'
  'public_url = "${publicUrl}"'
  'database = "${database}"'
  'database_entra = true'
]
var accountSections = map(batchAccounts, each => join(
  concat(
    [
      '[accounts.${each.name}]'
      'endpoint = "${each.endpoint}"'
      'subscription = "${subscription().subscriptionId}"'
      'resource_group = "${each.resourceGroup}"'
      'credential = "managed_identity"'
      'client_id = "${reader.properties.clientId}"'
    ],
    each.operated
      ? [
          'write_credential = "managed_identity"'
          'write_client_id = "${operator.properties.clientId}"'
        ]
      : []
  ),
  '\n'
))

resource app 'Microsoft.App/containerApps@2024-03-01' = {
  name: name
  location: location
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${reader.id}': {}
      '${operator.id}': {}
    }
  }
  dependsOn: [secretsForReader, pull, accounts, bill, server::owner, server::fromAzure]
  properties: {
    managedEnvironmentId: environment.id
    configuration: {
      activeRevisionsMode: 'Single'
      ingress: {
        external: true
        targetPort: 8080
        transport: 'http'
      }
      registries: contains(image, '.azurecr.io/')
        ? [
            {
              server: split(image, '/')[0]
              identity: reader.id
            }
          ]
        : []
      secrets: concat(
        [
          {
            name: 'settings'
            value: join(concat([join(bot, '\n')], accountSections, [settings]), '\n\n')
          }
        ],
        map(items(secrets), each => {
          name: toLower(each.value)
          keyVaultUrl: '${vault.properties.vaultUri}secrets/${each.value}'
          identity: reader.id
        })
      )
    }
    template: {
      terminationGracePeriodSeconds: 60
      // One has the duties, the other takes over. With none running, nothing is watched.
      scale: {
        minReplicas: 2
        maxReplicas: 2
      }
      containers: [
        {
          name: 'batchbot'
          image: image
          resources: {
            cpu: json('0.5')
            memory: '1Gi'
          }
          env: concat(
            [
              {
                name: 'AZURE_CLIENT_ID'
                value: reader.properties.clientId
              }
            ],
            map(items(secrets), each => {
              name: each.key
              secretRef: toLower(each.value)
            })
          )
          probes: [
            {
              type: 'Startup'
              httpGet: {
                path: '/health'
                port: 8080
              }
              periodSeconds: 10
              failureThreshold: 30
            }
            {
              type: 'Liveness'
              httpGet: {
                path: '/health'
                port: 8080
              }
              periodSeconds: 30
              timeoutSeconds: 15
              failureThreshold: 3
            }
            {
              type: 'Readiness'
              httpGet: {
                path: '/readyz'
                port: 8080
              }
              periodSeconds: 10
              timeoutSeconds: 15
            }
          ]
          volumeMounts: [
            {
              volumeName: 'settings'
              mountPath: '/etc/batchbot'
            }
            {
              volumeName: 'scratch'
              mountPath: '/tmp'
            }
          ]
        }
      ]
      volumes: [
        {
          name: 'settings'
          storageType: 'Secret'
          secrets: [
            {
              secretRef: 'settings'
              path: 'batchbot.toml'
            }
          ]
        }
        {
          name: 'scratch'
          storageType: 'EmptyDir'
        }
      ]
    }
  }
}

@description('The address in the manifests of Slack and Teams.')
output publicUrl string = publicUrl
