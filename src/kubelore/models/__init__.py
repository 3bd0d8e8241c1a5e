"""Language models behind one door, `protocols.ChatModel`.

`openai` speaks to any OpenAI-compatible endpoint (OpenAI, Ollama, vLLM, llama.cpp, LM Studio, ...)
over httpx: streaming, JSON schema where the server has it, retries, one deadline. `embeddings` asks such
an endpoint for vectors.

It never sees a cluster and never redacts: what it is given is sent as it is, so callers redact first
(`agent.prompt` does). Start at `openai.OpenAIChat`.
"""
