import assert from 'node:assert/strict'
import test from 'node:test'
import { connectorLifecycle } from './connector-lifecycle.ts'
import { type TaskRunEvent, type TaskRunState, taskLifecycle } from './task-lifecycle.ts'

const states = Object.keys(taskLifecycle) as TaskRunState[]

test('a task that has ended stays ended, and one that has failed never begins again by itself', () => {
  for (const event of Object.keys(taskLifecycle.ended) as TaskRunEvent[]) {
    assert.deepEqual(taskLifecycle.ended[event], { next: 'ended', act: 'none' })
    assert.notEqual(taskLifecycle.failed[event].act, 'restart')
  }
})

test('a task that was asked to stop never begins again', () => {
  for (const { act } of Object.values(taskLifecycle.stopping)) assert.notEqual(act, 'restart')
})

test('a task whose thread is gone has ended, whatever it was doing', () => {
  for (const state of states) assert.equal(taskLifecycle[state].lost.next, 'ended')
})

test('a failure is told once', () => {
  for (const state of states) assert.equal(taskLifecycle[state].fail.act, state === 'failed' || state === 'ended' ? 'none' : 'tell-failed')
})

test('a connector that has failed can only be stopped', () => {
  assert.deepEqual(connectorLifecycle.failed, { STARTED: null, PAUSED: null, STOPPED: { next: 'stopped', act: 'stop', report: 'STOPPED' } })
})

test('a connector reports each target that it reaches, once', () => {
  for (const state of ['started', 'paused', 'stopped'] as const) {
    for (const target of ['STARTED', 'PAUSED', 'STOPPED'] as const) {
      const transition = connectorLifecycle[state][target]
      assert.equal(transition?.next, target.toLowerCase())
      assert.equal(transition.report === null, state === target.toLowerCase())
    }
  }
})
