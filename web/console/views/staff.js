// Staff look up any order by its number.

import { read } from '../api.js'
import { h } from '../dom.js'
import { money, shortTime, summary } from '../format.js'
import { action, heading, pill } from '../parts.js'
import { keep, recall } from '../session.js'

const KEPT = 8

export async function showStaff({ place, who, signal }) {
  if (!who.isStaff) {
    place.append(heading('Staff desk', 'Only staff can look up orders. Your own are under Orders.'))
    return
  }
  const field = h('input', { type: 'text', id: 'order-id', autocomplete: 'off', spellcheck: 'false', placeholder: 'ord_…', class: 'mono' })
  const refused = h('div', { class: 'refused' })
  const find = action('Open the order', 'Looking…', async () => {
    // Also out of an address.
    const id = /ord_\w+/.exec(field.value)?.[0] ?? field.value.trim()
    if (!id) return field.focus()
    const order = await read(`/orders/${encodeURIComponent(id)}`, signal)
    keep('looked-up', [order.id, ...(recall('looked-up') ?? []).filter((each) => each !== order.id)].slice(0, KEPT))
    location.hash = `#/orders/${order.id}`
  }, { place: refused })
  const seen = h('div', { class: 'seen' })
  place.append(
    heading('Staff desk', 'Look up any order, send it, give money back.'),
    h('form', { class: 'panel look-up', onsubmit: (event) => { event.preventDefault(); find.click() } }, h('label', { for: 'order-id' }, 'Order number'), h('div', { class: 'look-up-row' }, field, find), refused),
    seen,
  )
  const ids = recall('looked-up') ?? []
  if (!ids.length) return
  const found = await Promise.allSettled(ids.map((id) => read(`/orders/${encodeURIComponent(id)}`, signal)))
  seen.append(
    h('h2', {}, 'Looked up lately'),
    h('div', { class: 'panel orders-panel' }, h('ul', { class: 'orders' }, found.filter(({ status }) => status === 'fulfilled').map(({ value }) =>
      h('li', {}, h('a', { class: 'order-row', href: `#/orders/${value.id}` }, h('span', { class: 'order-what' }, h('b', {}, summary(value.items)), h('small', { class: 'mono' }, value.id)), h('time', { datetime: value.created_at }, shortTime(value.created_at)), pill(value.status), h('span', { class: 'amount' }, money(value.total_amount, value.currency))))))),
  )
}
