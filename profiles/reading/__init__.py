"""The one door for foreign JSON, XML and text."""
