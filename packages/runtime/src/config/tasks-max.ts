import { parseType, type Properties } from '@millrace/api'

/** What is wrong with a connector that has more tasks than `tasks.max`, and whether that fails it (`tasks.max.enforce`); null where nothing is. In the original's words. */
export function tooManyTasks(connector: string, count: number, config: Properties): { readonly message: string; readonly isEnforced: boolean } | null {
  const tasksMax = parseType('tasks.max', config['tasks.max'] ?? '1', 'INT') as number
  if (count <= tasksMax) return null
  const said = `The connector ${connector} has generated ${count} tasks, which is greater than ${tasksMax}, the maximum number of tasks it is configured to create.`
  if (parseType('tasks.max.enforce', config['tasks.max.enforce'] ?? 'true', 'BOOLEAN') === false)
    return { message: `${said} This is a defect of the connector, which is let pass because tasks.max.enforce is false.`, isEnforced: false }
  const advice =
    "This behaviour should be considered a bug and is disallowed. If necessary, it can be permitted by reconfiguring the connector with 'tasks.max.enforce' set to false; however, this option will be removed in a future release of Kafka Connect."
  return { message: `${said} ${advice}`, isEnforced: true }
}
