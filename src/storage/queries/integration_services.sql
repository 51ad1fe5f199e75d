SELECT service, category, label, offered, fields::text, webhook::text
  FROM vault.integration_services
 ORDER BY category, label, service
