// Paying: one payment of an order, from the click to the end, over lost connections, reloads and other tabs (FR-406, FR-407).

import { ask, insist, read, Refusal, sleep } from './api.js'
import { forget, keyFor, wish } from './session.js'

const intent = (orderId) => `pay:${orderId}`

// The card that an order is being paid with, where that has not ended: after a reload it goes on.
export const cardUnderWay = (orderId) => wish(intent(orderId))?.token ?? null

// The same of a refund: how much, and why.
export const refundUnderWay = (orderId) => wish(`refund:${orderId}`)

// Makes a new order of the basket's lines, once for the same lines.
export async function placeOrder(lines, { signal, tell } = {}) {
  const items = lines.map(({ product_id, quantity, unit_price }) => ({ product_id, quantity, unit_price }))
  const body = { items, currency: lines[0].currency }
  const key = keyFor('order', body)
  return ending('order', async () => (await insist(() => ask('POST', '/orders', body, { key, signal }), { signal, tell })).body)
}

// Pays an order, and returns it paid; `tell` hears what happens meanwhile, as `{is: 'sending'}` and the like. Called again
// for the same order and card it takes part in the same payment. Raises Refusal.
export async function payOrder(order, token, { signal, tell }) {
  const body = { order_id: order.id, token, amount: order.total_amount, currency: order.currency }
  const key = keyFor(intent(order.id), body)
  return ending(intent(order.id), () => goOn(order, body, key, { signal, tell }))
}

// Gives money back, all or a part of it, once for the same amount and reason until that has ended.
export async function refundOrder(order, wanted, { signal, tell }) {
  const name = `refund:${order.id}`
  const key = keyFor(name, wanted)
  return ending(name, async () => {
    for (;;) {
      const answer = await insist(() => ask('POST', `/orders/${order.id}/refunds`, wanted, { key, signal }), { signal, tell })
      if (answer.status === 201) return answer.body
      tell({ is: 'unsettled' })
      await sleep(answer.retryAfter || 2, signal)
    }
  })
}

// A key is kept until its outcome is known: a refusal is one, a fault is none.
async function ending(name, work) {
  try {
    const result = await work()
    forget(name)
    return result
  } catch (error) {
    if (error instanceof Refusal && error.code !== 'internal_error') forget(name)
    throw error
  }
}

async function goOn(order, body, key, options) {
  const { signal, tell } = options
  tell({ is: 'sending' })
  for (;;) {
    try {
      const answer = await insist(() => ask('POST', '/pay', body, { key, signal }), options)
      if (answer.status === 201) return await link(order.id, answer.body.transaction_id, options)
      tell({ is: answer.body.next_action ? 'customer' : 'unsettled', transaction_id: answer.body.transaction_id })
      await sleep(answer.retryAfter || 2, signal)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      if (error.code === 'payment_already_succeeded') return link(order.id, error.facts.transaction_id, options)
      if (error.code === 'order_not_payable' && error.facts.current_status !== 'cancelled') return await see(order.id, options)
      if (error.code !== 'payment_in_progress') throw error
      // Another tab's, or another device's.
      tell({ is: 'elsewhere', transaction_id: error.facts.transaction_id })
      await sleep(error.retryAfter || 1, signal)
    }
  }
}

// The card is charged; now the order is told. That again is the same again.
async function link(orderId, transaction_id, options) {
  options.tell({ is: 'linking' })
  const { signal } = options
  return (await insist(() => ask('PATCH', `/orders/${orderId}/pay`, { transaction_id }, { signal }), options)).body
}

const see = (orderId, options) => insist(() => read(`/orders/${orderId}`, options.signal), options)
