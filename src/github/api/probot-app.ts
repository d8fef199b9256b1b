/**
 * The Probot app: every event goes to one function.
 *
 * What must hold: it can be loaded by our own server and by `probot run` alike; what an event means
 * is said elsewhere, once for both.
 */
import type { Probot } from "probot";
import type { Delivery } from "./delivery.ts";

export type OnDelivery = (delivery: Delivery) => Promise<void>;

export function createApp(onDelivery: OnDelivery): (app: Probot) => void {
  return (app) => {
    app.onAny(({ id, name, payload }) => onDelivery({ id, name, payload }));
  };
}
