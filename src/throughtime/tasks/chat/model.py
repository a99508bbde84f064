"""The chat's arithmetic: that of the encoder-decoder, throughtime.models.encoder_decoder."""

from throughtime.models.encoder_decoder import WHO, EncoderDecoderConfig, forward

__all__ = ["WHO", "EncoderDecoderConfig", "forward"]
