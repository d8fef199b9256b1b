/** The Probot app: passes every event to one function. Used by `trailhand serve` and `probot run` alike. */
import type { Probot } from "probot";
import type { Delivery } from "./delivery.ts";

export type OnDelivery = (delivery: Delivery) => Promise<void>;

export function createApp(onDelivery: OnDelivery): (app: Probot) => void {
  return (app) => {
    app.onAny(({ id, name, payload }) => onDelivery({ id, name, payload }));
  };
}
