export const prefersStill = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;

export const scrollBehaviour = (): ScrollBehavior => (prefersStill() ? "instant" : "smooth");
