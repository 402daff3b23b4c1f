"""DeepSeekMoE (model_type deepseek), for which transformers has no class: Llama's decoder with experts as its own code has them."""

import torch
import torch.nn.functional as F
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM
from transformers.conversion_mapping import get_checkpoint_conversion_mapping, register_checkpoint_conversion_mapping
from transformers.models.llama.modeling_llama import LlamaMLP


class DeepseekConfig(LlamaConfig):
    model_type = "deepseek"

    def has_router(self, layer):
        return layer >= self.first_k_dense_replace and layer % self.moe_layer_freq == 0


class Router(nn.Module):
    """Gives what transformers' routers give: logits, weights, experts."""

    def __init__(self, config):
        super().__init__()
        self.top_k, self.hidden_dim = config.num_experts_per_tok, config.hidden_size
        self.norm_topk_prob = config.norm_topk_prob and self.top_k > 1
        self.weight = nn.Parameter(torch.empty(config.n_routed_experts, config.hidden_size))

    def forward(self, hidden):
        logits = F.linear(hidden, self.weight)
        weights, chosen = torch.topk(logits.softmax(dim=-1, dtype=torch.float32), self.top_k, dim=-1)
        return logits, weights / (weights.sum(dim=-1, keepdim=True) + 1e-20) if self.norm_topk_prob else weights, chosen


class Experts(nn.Module):
    def __init__(self, config):
        super().__init__()
        experts, width, hidden = config.n_routed_experts, config.moe_intermediate_size, config.hidden_size
        self.gate_up_proj = nn.Parameter(torch.empty(experts, 2 * width, hidden))
        self.down_proj = nn.Parameter(torch.empty(experts, hidden, width))

    def forward(self, hidden, weights, chosen):
        out = torch.zeros_like(hidden)
        for e in range(len(self.down_proj)):
            token, slot = torch.where(chosen == e)
            gate, up = F.linear(hidden[token], self.gate_up_proj[e]).chunk(2, dim=-1)
            y = F.linear(F.silu(gate) * up, self.down_proj[e]) * weights[token, slot, None]
            out = out.index_add(0, token, y.to(hidden.dtype))
        return out


class Moe(nn.Module):
    def __init__(self, config):
        super().__init__()
        shared = DeepseekConfig(hidden_size=config.hidden_size,
                                intermediate_size=config.n_shared_experts * config.moe_intermediate_size)
        self.gate, self.experts, self.shared_experts = Router(config), Experts(config), LlamaMLP(shared)

    def forward(self, hidden):
        rows = hidden.reshape(-1, hidden.shape[-1])
        _, weights, chosen = self.gate(rows)
        return (self.experts(rows, weights, chosen) + self.shared_experts(rows)).view(hidden.shape)


class DeepseekForCausalLM(LlamaForCausalLM):
    config_class = DeepseekConfig

    def __init__(self, config):
        super().__init__(config)
        for i, layer in enumerate(self.model.layers):
            if config.has_router(i):
                layer.mlp = Moe(config)


AutoConfig.register("deepseek", DeepseekConfig)
AutoModelForCausalLM.register(DeepseekConfig, DeepseekForCausalLM)
register_checkpoint_conversion_mapping("deepseek", get_checkpoint_conversion_mapping("qwen2_moe"))
