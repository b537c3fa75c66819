import type { Herder } from '../herder/herder.ts'
import type { Loggers } from '../logging/loggers.ts'
import type { OpenApiDocument } from './openapi/openapi-document.ts'
import { ConnectorPluginsResource } from './resources/connector-plugins.ts'
import { ConnectorsResource } from './resources/connectors.ts'
import { InternalResource } from './resources/internal.ts'
import { LoggersResource } from './resources/loggers.ts'
import { ObservationResource, type Observers } from './resources/observation.ts'
import { RootResource, type VersionInfo } from './resources/root.ts'
import type { RestHandler, RestMethod, Route } from './router.ts'

/** Every endpoint of Kafka Connect's REST API but those below `/admin`, and ours but `/metrics`. */
export function regularRoutes(herder: Herder, loggers: Loggers, version: VersionInfo, observers: Observers): readonly Route[] {
  const root = new RootResource(herder, version)
  const connectors = new ConnectorsResource(herder, loggers.logger('rest/resources/connectors'))
  const plugins = new ConnectorPluginsResource(herder)
  const internal = new InternalResource(herder)
  const observation = new ObservationResource(observers)
  return [
    anyType('GET', '/', root.serverInfo),
    anyType('GET', '/health', root.health),

    json('GET', '/connectors', connectors.list),
    withBody('POST', '/connectors', connectors.create),
    json('GET', '/connectors/:connector', connectors.info),
    json('DELETE', '/connectors/:connector', connectors.remove),
    json('GET', '/connectors/:connector/config', connectors.config),
    withBody('PUT', '/connectors/:connector/config', connectors.putConfig),
    withBody('PATCH', '/connectors/:connector/config', connectors.patchConfig),
    json('GET', '/connectors/:connector/status', connectors.status),
    json('PUT', '/connectors/:connector/pause', connectors.pause),
    json('PUT', '/connectors/:connector/resume', connectors.resume),
    json('PUT', '/connectors/:connector/stop', connectors.stop),
    json('POST', '/connectors/:connector/restart', connectors.restart),
    json('GET', '/connectors/:connector/tasks', connectors.tasks),
    json('GET', '/connectors/:connector/tasks/:task/status', connectors.taskStatus),
    json('POST', '/connectors/:connector/tasks/:task/restart', connectors.restartTask),
    json('GET', '/connectors/:connector/topics', connectors.topics),
    json('PUT', '/connectors/:connector/topics/reset', connectors.resetTopics),
    json('GET', '/connectors/:connector/offsets', connectors.offsets),
    withBody('PATCH', '/connectors/:connector/offsets', connectors.alterOffsets),
    json('DELETE', '/connectors/:connector/offsets', connectors.resetOffsets),

    ofWorkers('POST', '/connectors/:connector/tasks', internal.putTaskConfigs),
    ofWorkers('PUT', '/connectors/:connector/fence', internal.fence),
    ofWorkers('POST', '/millrace/progress', internal.progress),

    anyType('GET', '/millrace/rebalances', root.rebalances),
    anyType('POST', '/millrace/webhook/test', observation.testWebhook),

    json('GET', '/connector-plugins', plugins.list),
    json('GET', '/connector-plugins/:plugin/config', plugins.config),
    withBody('PUT', '/connector-plugins/:plugin/config/validate', plugins.validate),
  ]
}

/** `GET /openapi.json`, which describes these routes and itself: an addition of ours. */
export function documentRoute(routes: readonly Route[], { version }: VersionInfo): Route {
  // Made at the first request: few ever ask.
  let document: Promise<unknown> | null = null
  const route = anyType('GET', '/openapi.json', async () => {
    document ??= import('./openapi/openapi-document.ts').then(({ openApiDocument }) => openApiDocument([...routes, route], version))
    return { status: 200, body: await document }
  })
  return route
}

/** What `GET /openapi.json` answers where all endpoints are served by one listener. For the page in `docs/reference`. */
export async function restApiDocument(version: string): Promise<OpenApiDocument> {
  const { describedEndpoints, openApiDocument } = await import('./openapi/openapi-document.ts')
  return openApiDocument(describedEndpoints(), version)
}

/** What `millrace.metrics.listeners` moves elsewhere. */
export function metricsRoutes(observers: Observers): readonly Route[] {
  const observation = new ObservationResource(observers)
  return [{ ...anyType('GET', '/metrics', observation.metrics), answersOtherTypes: true }]
}

/** The endpoints that `admin.listeners` moves elsewhere. */
export function adminRoutes(herder: Herder, loggers: Loggers): readonly Route[] {
  const resource = new LoggersResource(herder, loggers)
  return [
    json('GET', '/admin/loggers', resource.list),
    json('GET', '/admin/loggers/:logger', resource.level),
    withBody('PUT', '/admin/loggers/:logger', resource.setLevel),
  ]
}

/** Takes a JSON body. */
function withBody(method: RestMethod, path: string, handler: RestHandler): Route {
  return { method, path, handler, takesBody: true, refusesOtherTypes: true }
}

/** Takes no body, but refuses one that is declared as something else than JSON. */
function json(method: RestMethod, path: string, handler: RestHandler): Route {
  return { method, path, handler, takesBody: false, refusesOtherTypes: true }
}

/** Does not look at the content type. */
function anyType(method: RestMethod, path: string, handler: RestHandler): Route {
  return { method, path, handler, takesBody: false, refusesOtherTypes: false }
}

/** Asked by other workers of the cluster. */
function ofWorkers(method: RestMethod, path: string, handler: RestHandler): Route {
  return { ...anyType(method, path, handler), isInternal: true }
}
