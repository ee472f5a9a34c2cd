/** Lays out word clouds beside the page's own thread, so that nothing on it waits. */

import { type LayoutRequest, layoutCloud } from "./layout";

addEventListener("message", ({ data }: MessageEvent<{ id: number; request: LayoutRequest }>) => {
  const layout = layoutCloud(data.request, () => new OffscreenCanvas(1, 1));
  postMessage({ id: data.id, layout });
});
