import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { PANELS } from "./panels/panels";
import { followOtherTabs } from "./state/names";
import { providePanels } from "./state/panels";
import { startSync } from "./state/sync";
import "./styles/base.css";

const root = document.getElementById("root");
if (!root) throw new Error("index.html lacks #root");
followOtherTabs();
providePanels(PANELS);
const start = startSync();
createRoot(root).render(
  <StrictMode>
    <App start={start} />
  </StrictMode>,
);
